import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { runtimes } from "../runtimes.ts";

const runtime = "Deno" in globalThis ? "deno" : process.versions.bun === undefined ? "node" : "bun";

it("hello, world says hello through a node that the test embeds", async () => {
  const { serve } = await import(`../../edge/${runtime}.ts`) as {
    serve(options: ServeOptions): Promise<RunningNode>;
  };
  await using node = await serve({ port: 0 });
  const { exitCode, output, errors } = await run(
    fileURLToPath(new URL("./hello.ts", import.meta.url)),
    node.url,
  );
  assert.deepEqual({ exitCode, output, errors }, { exitCode: 0, output: "hello\n", errors: "" });
});

function run(...words: string[]): Promise<{ exitCode: number; output: string; errors: string }> {
  const [file, ...rest] = [...runtimes().find(({ name }) => name === runtime)!.command, ...words];
  return new Promise((resolve) => {
    execFile(file!, rest, { timeout: 30_000 }, (error, output, errors) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}
