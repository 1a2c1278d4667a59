import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { NatsLine } from "../../src/rendezvous/nats_line.ts";
import { settle, VirtualClock } from "../session/virtual_clock.ts";
import { VirtualNats, type VirtualNatsPort } from "./virtual_nats.ts";

const KIB = 1_024;

describe("a line to NATS", () => {
  let clock: VirtualClock;
  let nats: VirtualNats;
  let port: VirtualNatsPort;
  let line: NatsLine;
  beforeEach(() => {
    clock = new VirtualClock();
    nats = new VirtualNats(clock, 10);
    port = nats.connect("one");
    line = new NatsLine({ port, clock, most: () => 256 * KIB });
    port.watch(() => line.renewed());
  });

  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      await clock.advance(250);
      await settle();
      line.tick(false);
    }
  };

  it("holds no more than it may, counts what it drops, and goes on when the server has read", async () => {
    const block = new Uint8Array(64 * KIB);
    const taken = Array.from({ length: 6 }, () => line.publish("a", block));
    assert.deepEqual([taken[0], taken.at(-1)], [true, false]);
    assert(line.pending > 0 && line.pending <= 256 * KIB);
    assert.deepEqual(Object.fromEntries(line.drops), { pending: taken.filter((taken) => !taken).length });
    await clock.advance(100);
    await settle();
    assert(line.publish("a", block));
  });

  it("leaves a source its share while another one fills the queue", () => {
    const [greedy, modest] = [{}, {}];
    while (line.publish("a", new Uint8Array(16 * KIB), greedy));
    assert(line.publish("a", new Uint8Array(KIB), modest));
  });

  it("leaves a server that does not answer, and not one that this process itself kept waiting", async () => {
    await pass(3_000);
    assert.deepEqual(port.renewals, []);
    port.frozen = true;
    line.tick(false);
    await clock.advance(10_000); // as if the process had stood still
    line.tick(true);
    assert.deepEqual(port.renewals, []);
    await pass(1_750);
    assert.deepEqual(port.renewals, ["it did not answer for 1500 ms"]);
  });

  it("publishes nothing without a connection or beyond what the server takes", () => {
    nats.maxPayload = KIB;
    assert(!line.publish("a", new Uint8Array(KIB + 1)));
    nats.stop();
    assert(!line.publish("a", new Uint8Array(1)));
    assert.deepEqual(Object.fromEntries(line.drops), { "too-large": 1, disconnected: 1 });
    assert.equal(nats.published.length, 0);
  });

  it("forgets with its connection what was under way on it", async () => {
    line.publish("a", new Uint8Array(100 * KIB));
    nats.stop();
    assert.equal(line.pending, 0);
    nats.up = true;
    await pass(500);
    assert(line.up);
    line.publish("a", new Uint8Array(100 * KIB));
    assert(line.pending > 100 * KIB);
    await pass(500);
    assert.equal(line.pending, 0);
  });
});
