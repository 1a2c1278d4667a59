import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

/** Without the lines that say where the SDK and the node are. */
function program(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !/^(import|const nodes|\/\*\*)/.test(line));
}

it("the program at the top of the README is the one that is run as a test", async () => {
  const [, first] = /```ts\n([\s\S]*?)```/.exec(await read("../../README.md"))!;
  assert.deepEqual(program(first!), program(await read("./hello.ts")));
});

it("the chat in the README is the one that is run as a test", async () => {
  const [, chat] = /## Meeting by name[\s\S]*?```ts\n([\s\S]*?)```/.exec(await read("../../README.md"))!;
  assert.deepEqual(
    program(chat!),
    program(await read("./chat.ts")).filter((line) => !line.startsWith("const [name")),
  );
});
