// deadline: 150 s
// cores: 0.5
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runtimes } from "../runtimes.ts";

it("the demo of the edge: a message across two platforms wakes an object that slept", async () => {
  const [program, ...rest] = runtimes().find(({ name }) => name === "node")!.command;
  const demo = fileURLToPath(new URL("./demo.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(program!, [...rest, demo, "--edge"]);
  assert.match(stdout, /her object slept, and Ben's message woke it/);
  assert.match(stdout, /all messages delivered: 2 sent, 2 received/);
});
