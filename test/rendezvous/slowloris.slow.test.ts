// runtimes: bun node
// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity } from "../../src/identity/identity.ts";
import { rawSocket, upgradeRequest } from "./raw_socket.ts";
import { serve } from "./runtime.ts";

const { id } = await generateIdentity();
/** Milliseconds within which all of them must be gone: the servers look at slow requests every few seconds. */
const PATIENCE = 60_000;

describe("a slow stranger", () => {
  it("who sends its request letter by letter, or nothing at all, is hung up on; others are served meanwhile", async () => {
    const node = await serve({ port: 0 });
    const request = upgradeRequest(`/v1/connect/${id}`);
    const slow = await Promise.all(Array.from({ length: 20 }, () => rawSocket(node)));
    const silent = await Promise.all(Array.from({ length: 20 }, () => rawSocket(node)));
    const half = request.slice(0, 60);
    const all = [...slow, ...silent];
    const began = performance.now();
    for (let i = 0; all.some(({ closed, ended }) => !closed() && !ended()); i++) {
      assert(performance.now() - began < PATIENCE, "somebody still holds a connection");
      for (const { socket, closed } of slow) if (!closed()) socket.write(half[i] ?? "x");
      assert.equal((await fetch(new URL("/healthz", node.url.replace("ws:", "http:")))).status, 200);
      await sleep(500);
    }
    assert.equal(node.node.handshakes, 0);
    await node.stop({ graceMs: 0 });
  });

  it("who upgrades and then says nothing is hung up on after the handshake's deadline", async () => {
    const node = await serve({ port: 0 });
    const strangers = await Promise.all(Array.from({ length: 20 }, () => rawSocket(node)));
    for (const { socket } of strangers) socket.write(upgradeRequest(`/v1/connect/${id}`));
    const began = performance.now();
    while (strangers.some(({ closed, ended }) => !closed() && !ended()) || node.node.handshakes > 0) {
      assert(performance.now() - began < PATIENCE, "somebody still holds a place");
      await sleep(200);
    }
    assert.match(node.node.metricsText(), /handshake_failures_total\{reason="handshake-timeout"\} 20/);
    await node.stop({ graceMs: 0 });
  });
});
