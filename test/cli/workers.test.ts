import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { ServeChoices } from "../../src/cli/serve_options.ts";
import { assign, workerChoices, workerKey } from "../../src/cli/worker.ts";
import { command } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-workers-"));
after(() => rmSync(home, { recursive: true, force: true }));
const said: ServeChoices = {
  port: 8787,
  network: "default",
  chat: "on",
  logLevel: "info",
  join: ["wss://far.example"],
};
const [first, second] = [0, 1].map((index) => ({ index, inner: [5001, 5002], token: "of this machine" }));

describe("a worker", () => {
  it("joins its siblings and whom the operator named, and is dialled by nobody else", () => {
    const { join, meshUrl, meshToken } = workerChoices(said, second!);
    assert.deepEqual(join, ["ws://127.0.0.1:5001", "wss://far.example"]);
    assert.deepEqual([meshUrl, meshToken], [["none"], "of this machine"]);
  });

  it("answers STUN if it is the first: a datagram has one receiver", () => {
    assert.equal(workerChoices(said, first!).stun, undefined);
    assert.equal(workerChoices(said, second!).stun, false);
  });

  it("has a key of its own", () => {
    assert.equal(workerKey("/data/node.pem", first!), "/data/node.pem");
    assert.equal(workerKey("/data/node.pem", second!), "/data/node-2.pem");
    assert.equal(workerKey("/data/key", second!), "/data/key-2");
  });

  it("is told what it is by its environment", () => {
    assert.deepEqual(JSON.parse(assign(second!)["WAYMEET_WORKER"]!), second);
  });
});

describe("waymeet serve --workers", () => {
  it("says what workers cannot share", async () => {
    for (
      const [words, complaint] of [
        [["--port", "0"], /a port that is known before/],
        [["--mesh-allow", "x"], /use --mesh-token/],
        [["--dashboard-token", "x"], /leave out --dashboard-token/],
      ] as const
    ) {
      const { exitCode, errors } = await command(["serve", "--workers", "2", ...words], { home });
      assert.equal(exitCode, 2);
      assert.match(errors, complaint);
    }
  });
});
