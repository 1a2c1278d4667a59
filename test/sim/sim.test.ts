import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keyedHash, StandIn } from "./stand_in.ts";
import { standInChaCha, standInDh } from "./stand_in_link.ts";
import { Dice } from "./dice.ts";
import { run } from "./run.ts";
import { Timeline } from "./timeline.ts";

const SMALL = { nodes: 4, peers: 8, minutes: 1, messages: 200 };

describe("the simulator", () => {
  it("brings the same bytes at the same moments for the same seed, others for another, and finds nothing wrong", async () => {
    const [first, again, other] = [
      await run({ ...SMALL, seed: 1 }),
      await run({ ...SMALL, seed: 1 }),
      await run({ ...SMALL, seed: 2 }),
    ];
    assert.equal(first.digest, again.digest);
    assert.deepEqual({ ...first, seconds: 0, cpuSeconds: 0 }, { ...again, seconds: 0, cpuSeconds: 0 });
    assert.notEqual(first.digest, other.digest);
    assert.deepEqual([...first.violations, ...other.violations], []);
    assert(first.messages.arrived >= SMALL.messages && first.recordsChecked > 0);
    assert(first.messages.latency.p50 > 0 && first.framesBetweenNodes.forward!.frames > SMALL.messages / 2);
    assert(Object.keys(first.faults).length > 0);
  });

  it("notices a signature over other bytes, by another key, or with a bit turned", () => {
    const [seed, bytes] = [new Dice(1).bytes(32), new Dice(2).bytes(100)];
    const keys = new StandIn(new Timeline(), new Dice(3));
    const { id } = keys.identity(1);
    const signature = keyedHash(seed, bytes);
    assert(keys.isGenuine(id, bytes, signature));
    assert(!keys.isGenuine(keys.identity(2).id, bytes, signature));
    fc.assert(fc.property(fc.nat(799), fc.nat(511), (bit, signed) => {
      const turned = (from: Uint8Array, at: number) =>
        from.map((byte, i) => i === at >> 3 ? byte ^ (1 << (at & 7)) : byte);
      return !keys.isGenuine(id, turned(bytes, bit), signature) &&
        !keys.isGenuine(id, bytes, turned(signature, signed));
    }));
  });

  it("opens what was sealed for the holder of a key, and nothing that was changed on its way", () => {
    const dice = new Dice(4);
    const [mine, theirs, third] = [dice.bytes(32), dice.bytes(32), dice.bytes(32)];
    const shared = (secret: Uint8Array, other: Uint8Array) =>
      standInDh.agree(secret, standInDh.publicKey(other))!;
    const key = shared(mine, theirs);
    assert.deepEqual(shared(theirs, mine), key);
    assert.notDeepEqual(shared(third, theirs), key);
    assert.equal(standInDh.agree(mine, new Uint8Array(32)), undefined);
    const bytes = fc.uint8Array({ maxLength: 80 });
    fc.assert(fc.property(bytes, bytes, fc.nat(), fc.nat(7), (ad, text, at, bit) => {
      const [nonce, sealed] = [new Uint8Array(12), new Uint8Array(text.length + 16)];
      standInChaCha.seal(key, nonce, ad, text, sealed);
      assert.deepEqual(standInChaCha.open(key, nonce, ad, sealed), text);
      const other = nonce.map((byte, i) => i === 4 ? byte + 1 : byte);
      assert.throws(() => standInChaCha.open(key, other, ad, sealed));
      sealed[at % sealed.length]! ^= 1 << bit;
      assert.throws(() => standInChaCha.open(key, nonce, ad, sealed));
    }));
  });

  it("runs what is due in the order of time, then of asking, and nothing that was cancelled", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 200 }), async (timers) => {
        const timeline = new Timeline();
        const ran: number[] = [];
        const armed = timers.map(([delay], i) => timeline.after(delay, () => ran.push(i)));
        timers.forEach(([, kept], i) => kept || timeline.cancel(armed[i]!));
        await timeline.run(100);
        const expected = timers.map(([delay, kept], i) => ({ delay, kept, i })).filter(({ kept }) => kept);
        expected.sort((a, b) => a.delay - b.delay || a.i - b.i);
        assert.deepEqual(ran, expected.map(({ i }) => i));
        assert.equal(timeline.waiting, 0);
      }),
      { numRuns: 30 },
    );
  });
});
