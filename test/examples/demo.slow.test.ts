// runtimes: node
// deadline: 150 s
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";

it("the demo delivers all messages in spite of a killed node, in under a minute", async () => {
  const [program, ...rest] = runtimes().find(({ name }) => name === "node")!.command;
  const demo = fileURLToPath(new URL("./demo.ts", import.meta.url));
  const began = performance.now();
  const { exitCode, output } = await new Promise<{ exitCode: number; output: string }>((resolve) => {
    execFile(
      program!,
      [...rest, demo],
      (error, output, trouble) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code), output: output + trouble });
      },
    );
  });
  assert.equal(exitCode, 0, output);
  const [, sent, received] =
    /all messages delivered: (\d+) sent, (\d+) received, 0 lost, 0 duplicated\n/.exec(output) ?? [];
  assert.ok(Number(sent) > 1_000, output);
  assert.equal(sent, received);
  assert.match(output, /messages are written and not acknowledged/);
  assert.ok(performance.now() - began < 60_000, output);
});
