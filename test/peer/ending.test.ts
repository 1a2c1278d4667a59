import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";

const runtime = "Deno" in globalThis ? "deno" : process.versions.bun === undefined ? "node" : "bun";

it("a process ends by itself once its peers are closed, after success, failure, rejection and abort", async () => {
  const words = [
    ...runtimes().find(({ name }) => name === runtime)!.command,
    fileURLToPath(new URL("./ending.ts", import.meta.url)),
  ];
  const [output, errors] = await new Promise<string[]>((resolve) =>
    execFile(words[0]!, words.slice(1), { timeout: 30_000 }, (_, ...texts) => resolve(texts))
  );
  assert.deepEqual({ output, errors }, { output: "ended\n", errors: "" });
});
