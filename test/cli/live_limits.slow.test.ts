// runtimes: node, bun, deno
// deadline: 180 s
// cores: 0.5
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free_port.ts";
import { dialling, type TestPeer } from "../rendezvous/peers.ts";
import type { RuntimeName } from "../runtimes.ts";
import { connect } from "../../edge/ws_dialer.ts";
import { Stage } from "./programs.ts";

const runtime: RuntimeName = "Deno" in globalThis
  ? "deno"
  : process.versions.bun === undefined
  ? "node"
  : "bun";
const stage = new Stage(runtime);
after(() => stage.close());

const PEERS = 100;

describe(`a node of 100 peers on ${runtime}`, () => {
  it("takes limits over from its changed file and at SIGHUP, and none from one that is wrong", async () => {
    const port = await freePort();
    const config = stage.file("node.json");
    const write = (limits: unknown) => writeFileSync(config, JSON.stringify({ port, limits }));
    write({});
    const node = stage.start("serve", "--config", config, "--key", stage.file("node.pem"), "--json");
    await node.event("ready");
    const peers = await Promise.all(
      Array.from({ length: PEERS }, () => dialling(`ws://127.0.0.1:${port}`, connect)),
    );
    await until(() => peers.every(({ isReady }) => isReady));
    const seen = async (bytesPerSecond: number): Promise<number> => {
      const began = performance.now();
      await toldOf(peers[0]!, bytesPerSecond);
      const took = performance.now() - began;
      for (const peer of peers) await toldOf(peer, bytesPerSecond);
      return took;
    };
    write({ bytesPerSecond: 1_000_000 });
    const took = await seen(1_000_000);
    write({ bytesPerSecond: 2_000_000 });
    process.kill(node.child.pid!, "SIGHUP");
    await seen(2_000_000);
    write({ bytesPerSecond: 3_000_000, sessions: -1 });
    await until(() => /not taken.*limits\.sessions is a number from 1/.test(node.errors));
    write({ bytesPerSecond: 4_000_000 });
    await seen(4_000_000);
    const told = peers[0]!.frames.flatMap((frame) => frame.kind === "rate" ? [frame.bytesPerSecond] : []);
    assert.deepEqual(told, [1_000_000, 2_000_000, 4_000_000]);
    for (const { session } of peers) session.close(1);
    console.log(`a changed file was told to one of ${PEERS} peers after ${Math.round(took)} ms`);
    assert.equal((await node.stop()).exitCode, 0);
  });
});

function toldOf(peer: TestPeer, bytesPerSecond: number): Promise<void> {
  return until(() =>
    peer.frames.some((frame) => frame.kind === "rate" && frame.bytesPerSecond === bytesPerSecond)
  );
}

/** The test's deadline ends it: how long a busy machine takes proves nothing. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
