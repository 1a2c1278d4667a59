import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Epoch } from "../../src/link/epoch.ts";
import { Keyring, PREVIOUS_EPOCH, UNPROVEN_EPOCH } from "../../src/link/keyring.ts";
import { readPacket, type TransportPacket } from "../../src/link/packet.ts";
import { epochPair } from "./epoch_pair.ts";
import { flipped } from "./hex.ts";

function transport(bytes: Uint8Array): TransportPacket {
  const packet = readPacket(bytes);
  assert.ok(packet?.kind === "transport");
  return packet;
}
function from(epoch: Epoch, byte: number = 7): TransportPacket {
  return transport(epoch.seal(Uint8Array.of(byte)));
}
function opens(ring: Keyring, packet: TransportPacket, now: number): boolean {
  return ring.open(packet, now).kind === "opened";
}

describe("a keyring", () => {
  it("sends under what it began at once", () => {
    const ring = new Keyring({ oursWin: true });
    assert.deepEqual([ring.sending, ring.confirmed, ring.needsRekey(0)], [undefined, false, false]);
    const [ours] = epochPair();
    ring.add(ours, 0);
    assert.deepEqual([ring.sending === ours, ring.confirmed], [true, true]);
  });

  it("sends under a first epoch it answered, and is confirmed by the first packet under it", () => {
    const ring = new Keyring({ oursWin: true });
    const [theirs, ours] = epochPair();
    ring.add(ours, 0);
    assert.deepEqual([ring.sending === ours, ring.confirmed], [true, false]);
    const first = ring.open(from(theirs), 1);
    assert.ok(first.kind === "opened" && first.confirmed && first.epoch === ours);
    const second = ring.open(from(theirs), 1);
    assert.ok(second.kind === "opened" && !second.confirmed);
    assert.equal(ring.confirmed, true);
  });

  it("a message 1 alone never moves a live link: the old epoch is sent under till the new one is proven", () => {
    const ring = new Keyring({ oursWin: true });
    const [old] = epochPair();
    const [theirs, answered] = epochPair({ createdAt: 60_000 });
    ring.add(old, 0);
    ring.add(answered, 60_000);
    assert.equal(ring.sending, old);
    assert.equal(
      ring.open(transport(flipped(theirs.seal(new Uint8Array(5)), 8 * 20)), 60_000).kind,
      "refused",
    );
    assert.equal(ring.sending, old);
    assert.ok(opens(ring, from(theirs), 60_001));
    assert.equal(ring.sending, answered);
  });

  it("two epochs interleave; the previous one is refused 10 s after the newer was proven", () => {
    const ring = new Keyring({ oursWin: true });
    const [oldOurs, oldTheirs] = epochPair();
    const [newOurs, newTheirs] = epochPair({ createdAt: 60_000 });
    ring.add(oldOurs, 0);
    const early = Array.from({ length: 4 }, () => from(oldTheirs));
    ring.add(newOurs, 60_000);
    const until = 60_000 + PREVIOUS_EPOCH;
    for (const packet of early.slice(0, 3)) {
      assert.ok(opens(ring, packet, until - 1));
      assert.ok(opens(ring, from(newTheirs), until - 1));
      assert.equal(ring.sending, newOurs);
    }
    assert.deepEqual(ring.open(early[3]!, until), { kind: "unknown", epoch: oldOurs.id });
    assert.throws(() => oldOurs.seal(new Uint8Array()), TypeError);
    assert.ok(opens(ring, from(newTheirs), until));
  });

  it("a replay under the previous epoch is refused", () => {
    const ring = new Keyring({ oursWin: true });
    const [oldOurs, oldTheirs] = epochPair();
    ring.add(oldOurs, 0);
    const packet = from(oldTheirs);
    assert.ok(opens(ring, packet, 1));
    ring.add(epochPair()[0], 2);
    assert.deepEqual(ring.open(packet, 3), { kind: "refused" });
  });

  it("epochs with one id are told apart by trying", () => {
    const handshake = Uint8Array.of(9, 9, 9, 9, 0, 0, 0, 0);
    const ring = new Keyring({ oursWin: true });
    const [first, firstTheirs] = epochPair({ handshake });
    const [second, secondTheirs] = epochPair({ handshake });
    ring.add(first, 0);
    ring.add(second, 0);
    assert.ok(opens(ring, from(firstTheirs), 1));
    assert.ok(opens(ring, from(secondTheirs), 1));
    assert.ok(opens(ring, from(firstTheirs), 1));
  });

  it("crossing handshakes end under the same keys on both sides, whatever arrives first", () => {
    const events = ["answer A", "answer B", "A speaks", "B speaks"] as const;
    fc.assert(
      fc.property(fc.boolean(), fc.shuffledSubarray([...events], { minLength: 4 }), (aWins, order) => {
        const [left, right] = [new Keyring({ oursWin: aWins }), new Keyring({ oursWin: !aWins })];
        const [aLeft, aRight] = epochPair();
        const [bRight, bLeft] = epochPair();
        right.add(aRight, 0);
        left.add(bLeft, 0);
        const act = {
          "answer A": () => left.add(aLeft, 1),
          "answer B": () => right.add(bRight, 1),
          "A speaks": () => void right.open(from(aLeft), 2),
          "B speaks": () => void left.open(from(bRight), 2),
        };
        for (const event of order) act[event]();
        assert.equal(left.sending!.id, right.sending!.id);
        assert.equal(left.sending!.id, (aWins ? aLeft : bLeft).id);
        assert.ok(opens(left, transport(right.sending!.seal(new Uint8Array())), 2 + 5 * PREVIOUS_EPOCH));
        assert.ok(opens(right, transport(left.sending!.seal(new Uint8Array())), 2 + 5 * PREVIOUS_EPOCH));
      }),
      { numRuns: 100 },
    );
  });

  it("a later handshake of the other side wins when it does not cross", () => {
    const ring = new Keyring({ oursWin: true });
    const [ours] = epochPair();
    const [theirs, answered] = epochPair({ createdAt: PREVIOUS_EPOCH });
    ring.add(ours, 0);
    ring.add(answered, PREVIOUS_EPOCH);
    ring.open(from(theirs), PREVIOUS_EPOCH);
    assert.equal(ring.sending, answered);
  });

  it("gives up what was answered and never proven, and bounds how much of it there is", () => {
    const ring = new Keyring({ oursWin: true });
    const pairs = Array.from({ length: 6 }, () => epochPair());
    for (const [, answered] of pairs) ring.add(answered, 0);
    assert.deepEqual(pairs.map(([theirs]) => ring.open(from(theirs), 1).kind), [
      "unknown",
      "unknown",
      "opened",
      "opened",
      "opened",
      "opened",
    ]);
    const idle = new Keyring({ oursWin: true });
    const [, answered] = epochPair();
    idle.add(answered, 0);
    idle.sweep(UNPROVEN_EPOCH - 1);
    assert.equal(idle.sending, answered);
    idle.sweep(UNPROVEN_EPOCH);
    assert.equal(idle.sending, undefined);
  });

  it("knows nothing after the link is over", () => {
    const ring = new Keyring({ oursWin: true });
    const [ours, theirs] = epochPair();
    ring.add(ours, 0);
    ring.forget();
    assert.equal(ring.open(from(theirs), 1).kind, "unknown");
    assert.equal(ring.sending, undefined);
    assert.throws(() => ours.seal(new Uint8Array()), TypeError);
  });

  it("tells that fresh keys are due", () => {
    const ring = new Keyring({ oursWin: true });
    ring.add(epochPair()[0], 0);
    assert.deepEqual([ring.needsRekey(179_999), ring.needsRekey(180_000)], [false, true]);
  });
});
