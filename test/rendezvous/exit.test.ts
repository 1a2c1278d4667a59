import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runtimes } from "../runtimes.ts";
import { runtime } from "./runtime.ts";

describe("a process with a node that was stopped", () => {
  it("ends by itself: nothing is left open", async () => {
    const [program, ...args] = runtimes().find(({ name }) => name === runtime)!.command;
    const script = fileURLToPath(new URL("stop_and_exit.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(program!, [...args, script], { timeout: 15_000 });
    assert.match(stdout, /^stopped in \d+ ms, sessions ended with draining,draining\n$/);
  });
});
