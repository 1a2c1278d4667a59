import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../../src/session/clock.ts";
import { keyPairOf } from "../../src/link/dh.ts";
import {
  INIT_LIMITS,
  INIT_PENDING,
  INIT_WINDOW,
  InitCache,
  type InitLimits,
  type OpenInit,
} from "../../src/link/init_cache.ts";
import { initiate, respond } from "../../src/link/noise.ts";
import { type InitPacket, readPacket, writeInit, writeResponse } from "../../src/link/packet.ts";

/** Both clocks by hand; `wall` may also be set back, as by a time server. */
class HandClock implements Clock {
  monotonic = 0;
  time = 1_000_000;
  now = (): number => this.monotonic;
  wall = (): number => this.time;
  after = (): () => void => () => {};
  pass(milliseconds: number): void {
    this.monotonic += milliseconds;
    this.time += milliseconds;
  }
}

function cacheWith(limits: Partial<InitLimits> = {}): { clock: HandClock; cache: InitCache } {
  const clock = new HandClock();
  return { clock, cache: new InitCache(clock, { ...INIT_LIMITS, ...limits }) };
}
function message(index: number): Uint8Array {
  return Uint8Array.of(index >> 8, index & 255);
}
function begin(cache: InitCache, index: number, source: string = "a"): OpenInit {
  const begun = cache.begin(message(index), source);
  assert.ok(begun.kind === "begun", begun.kind);
  return begun.init;
}
function admit(cache: InitCache, index: number, timestamp: number, source: string = "a"): boolean {
  const init = begin(cache, index, source);
  const accepted = init.accept(timestamp);
  if (accepted) init.answer(Uint8Array.of(index));
  return accepted;
}
const ANSWER = Uint8Array.of(1);

describe("the cache of first messages", () => {
  it("a repeated message 1 gets the same answer as long as its timestamp would pass", () => {
    const { clock, cache } = cacheWith();
    assert.ok(admit(cache, 1, clock.time));
    for (let passed = 0; passed < INIT_WINDOW; passed += 10_000) {
      assert.deepEqual(cache.begin(message(1), "a"), { kind: "repeated", response: ANSWER });
      clock.pass(10_000);
    }
    clock.pass(1);
    cache.sweep();
    assert.equal(cache.size, 0);
    assert.equal(admit(cache, 1, clock.time - INIT_WINDOW - 1), false);
  });

  it("timestamps count within 90 s before and after this clock, and only as numbers", () => {
    const { clock, cache } = cacheWith();
    const offsets = [-INIT_WINDOW - 1, -INIT_WINDOW, INIT_WINDOW, INIT_WINDOW + 1, NaN, Infinity];
    const accepted = offsets.map((offset, index) => admit(cache, index, clock.time + offset));
    assert.deepEqual(accepted, [false, true, true, false, false, false]);
    assert.equal(cache.size, 2);
  });

  it("never accepts one message twice, however clocks jump and whatever is swept", () => {
    const act = fc.oneof(
      fc.record({ do: fc.constant("pass" as const), by: fc.nat({ max: 60_000 }) }),
      fc.record({ do: fc.constant("jump" as const), by: fc.integer({ min: -300_000, max: 300_000 }) }),
      fc.record({ do: fc.constant("sweep" as const), by: fc.constant(0) }),
      fc.record({ do: fc.constant("send" as const), by: fc.nat({ max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const { clock, cache } = cacheWith({ total: 4 });
        const stamps = Array.from({ length: 10 }, (_, index) => clock.time + index * 30_000);
        const accepted = new Set<number>();
        for (const { do: what, by } of acts) {
          if (what === "pass") clock.pass(by);
          else if (what === "jump") clock.time += by;
          else if (what === "sweep") cache.sweep();
          else {
            const begun = cache.begin(message(by), "a");
            if (begun.kind !== "begun" || !begun.init.accept(stamps[by]!)) continue;
            assert.ok(!accepted.has(by));
            accepted.add(by);
            begun.init.answer(ANSWER);
          }
        }
        assert.ok(cache.size <= 4);
      }),
      { numRuns: 300 },
    );
  });

  it("a clock that is set back does not open the window for what was forgotten", () => {
    const { clock, cache } = cacheWith();
    const recorded = clock.time;
    assert.ok(admit(cache, 1, recorded));
    clock.time += 2 * INIT_WINDOW;
    cache.sweep();
    assert.equal(cache.size, 0);
    clock.time -= 2 * INIT_WINDOW;
    assert.equal(admit(cache, 1, recorded), false);
    assert.ok(admit(cache, 2, recorded + 1));
  });

  it("while the first is decided, the same message again is neither begun nor answered", () => {
    const { clock, cache } = cacheWith();
    const init = begin(cache, 1);
    assert.deepEqual(cache.begin(message(1), "a"), { kind: "seen" });
    assert.ok(init.accept(clock.time));
    assert.equal(init.accept(clock.time), false);
    assert.deepEqual(cache.begin(message(1), "a"), { kind: "seen" });
    init.answer(ANSWER);
    assert.deepEqual(cache.begin(message(1), "a"), { kind: "repeated", response: ANSWER });
  });

  it("another source that plays it back gets no answer", () => {
    const { clock, cache } = cacheWith();
    admit(cache, 1, clock.time);
    assert.deepEqual(cache.begin(message(1), "b"), { kind: "seen" });
  });

  it("what did not open is forgotten; what was accepted and then refused is not", () => {
    const { clock, cache } = cacheWith();
    begin(cache, 1).abandon();
    assert.equal(cache.size, 0);
    const init = begin(cache, 1);
    init.accept(clock.time);
    init.abandon();
    assert.deepEqual(cache.begin(message(1), "a"), { kind: "seen" });
  });

  it("full of what may still be replayed, it refuses the new rather than forget", () => {
    const { clock, cache } = cacheWith({ total: 3 });
    for (const index of [1, 2, 3]) admit(cache, index, clock.time, `source ${index}`);
    assert.deepEqual(cache.begin(message(4), "a"), { kind: "busy", why: "total" });
    assert.equal(cache.begin(message(1), "source 1").kind, "repeated");
    clock.pass(INIT_WINDOW + 1);
    assert.ok(admit(cache, 4, clock.time));
    assert.equal(cache.size, 1);
  });

  it("one source cannot use up the whole", () => {
    const { clock, cache } = cacheWith({ perSource: 2 });
    for (const index of [1, 2]) admit(cache, index, clock.time);
    assert.deepEqual(cache.begin(message(3), "a"), { kind: "busy", why: "source" });
    assert.ok(admit(cache, 3, clock.time, "b"));
  });

  it("handshakes under way are capped for each source and in all, and end by deciding", () => {
    const { clock, cache } = cacheWith({ pending: 3, pendingPerSource: 2 });
    const [first] = [begin(cache, 1), begin(cache, 2)];
    assert.deepEqual(cache.begin(message(3), "a"), { kind: "busy", why: "source" });
    begin(cache, 3, "b");
    assert.deepEqual(cache.begin(message(4), "c"), { kind: "busy", why: "total" });
    first!.accept(clock.time);
    first!.answer(ANSWER);
    begin(cache, 4, "c").abandon();
    begin(cache, 4, "a");
  });

  it("a handshake nobody decided is given up, and cannot be accepted later", () => {
    const { clock, cache } = cacheWith({ pending: 1 });
    const init = begin(cache, 1);
    clock.pass(INIT_PENDING);
    const again = begin(cache, 1);
    assert.equal(init.accept(clock.time), false);
    init.answer(ANSWER);
    assert.ok(again.accept(clock.time));
    again.answer(ANSWER);
    assert.equal(cache.size, 1);
  });
});

describe("a recorded init packet", () => {
  const [alice, bob] = [keyPairOf(new Uint8Array(32).fill(1)), keyPairOf(new Uint8Array(32).fill(2))];
  const prologue = new TextEncoder().encode("a test");

  /** A responder in small: delivers the payload of what it accepts. */
  function responder() {
    const { clock, cache } = cacheWith();
    const delivered: number[] = [];
    const receive = (bytes: Uint8Array): Uint8Array | undefined => {
      const { handshake, message } = readPacket(bytes) as InitPacket;
      const begun = cache.begin(message, "alice");
      if (begun.kind === "repeated") return begun.response;
      if (begun.kind !== "begun") return undefined;
      const response = respond({ prologue, static: bob, message });
      if (response === undefined) return void begun.init.abandon();
      if (!begun.init.accept(clock.time)) return undefined;
      delivered.push(response.payload[0]!);
      const packet = writeResponse(handshake, response.write(new Uint8Array()).message);
      begun.init.answer(packet);
      return packet;
    };
    return { receive, delivered };
  }

  it("gives the same response and delivers nothing, also under another handshake id", () => {
    const { receive, delivered } = responder();
    const { message } = initiate({
      prologue,
      static: alice,
      remoteStatic: bob.publicKey,
      payload: Uint8Array.of(42),
    })!;
    const first = receive(writeInit(new Uint8Array(8), message));
    assert.ok(first);
    assert.equal(receive(writeInit(new Uint8Array(8), message)), first);
    assert.equal(receive(writeInit(new Uint8Array(8).fill(1), message)), first);
    assert.deepEqual(delivered, [42]);
  });

  it("changed in any bit delivers nothing and hinders nothing", () => {
    const { receive, delivered } = responder();
    const { message } = initiate({
      prologue,
      static: alice,
      remoteStatic: bob.publicKey,
      payload: Uint8Array.of(42),
    })!;
    const packet = writeInit(new Uint8Array(8), message);
    for (let at = 9; at < packet.length; at += 7) {
      const forged = packet.slice();
      forged[at]! ^= 0x80;
      assert.equal(receive(forged), undefined);
    }
    assert.ok(receive(packet));
    assert.deepEqual(delivered, [42]);
  });
});
