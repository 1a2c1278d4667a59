import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { AES_BYTES, AES_PACKETS, CHACHA_PACKETS, CipherId, OWN_CIPHERS } from "../../src/link/ciphers.ts";
import {
  Epoch,
  FORGERY_LIMIT,
  REKEY_AFTER,
  REKEY_BYTES,
  REKEY_PACKETS,
  REKEY_PATIENCE,
} from "../../src/link/epoch.ts";
import { epochId, readPacket, type TransportPacket } from "../../src/link/packet.ts";
import { REPLAY_WINDOW } from "../../src/link/replay.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { epochPair } from "./epoch_pair.ts";
import { flipped, hex } from "./hex.ts";

function transport(bytes: Uint8Array): TransportPacket {
  const packet = readPacket(bytes);
  assert.ok(packet?.kind === "transport");
  return packet;
}
const one = Uint8Array.of(1);

describe("an epoch", () => {
  it("opens in any order, each packet once", () => {
    const plaintexts = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(plaintexts, fc.infiniteStream(fc.nat()), (sent, choice) => {
        const [a, b] = epochPair();
        const packets = sent.map((plaintext) => a.seal(plaintext));
        const order = [...sent.keys(), ...sent.keys()].map((index) => ({ index, at: choice.next().value! }));
        const opened = new Set<number>();
        for (const { index } of order.sort((x, y) => x.at - y.at)) {
          const plaintext = b.open(transport(packets[index]!));
          assert.deepEqual(plaintext, opened.has(index) ? undefined : sent[index]);
          opened.add(index);
        }
        assert.equal(b.forgeries, 0);
      }),
      { numRuns: 100 },
    );
  });

  it("opens no packet with a bit flipped anywhere, and the true one after it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), (plaintext, bit) => {
        const [a, b] = epochPair();
        const packet = a.seal(plaintext);
        const forged = readPacket(flipped(packet, bit));
        if (forged?.kind === "transport") assert.equal(b.open(forged), undefined);
        assert.deepEqual(b.open(transport(packet)), plaintext);
      }),
      { numRuns: 300 },
    );
  });

  it("a forged high counter does not push the window past true packets", () => {
    const [a, b] = epochPair();
    const packet = a.seal(one);
    const forged = packet.slice();
    forged.set(hex("001fffffffffffff"), 5);
    assert.equal(b.open(transport(forged)), undefined);
    assert.deepEqual(b.open(transport(packet)), one);
  });

  it("refuses its own packets: nobody can send them back to it", () => {
    const [a] = epochPair();
    assert.equal(a.open(transport(a.seal(one))), undefined);
  });

  it("refuses what is older than the window", () => {
    const [a, b] = epochPair();
    const first = a.seal(one);
    const second = a.seal(one);
    for (let index = 2; index < REPLAY_WINDOW; index++) a.sealedPackets++;
    const last = a.seal(one);
    assert.deepEqual(b.open(transport(last)), one);
    assert.equal(b.open(transport(first)), undefined);
    assert.deepEqual(b.open(transport(second)), one);
  });

  it("counts what it sealed and never uses a counter twice", () => {
    const [a] = epochPair();
    const counters = [3, 0, 5].map((size) => transport(a.seal(new Uint8Array(size))).counter);
    assert.deepEqual([counters, a.sealedPackets, a.sealedBytes], [[0, 1, 2], 3, 8]);
  });

  it("asks for fresh keys by age, by bytes, by packets and under attack; who answered waits longer", () => {
    const [a, b] = epochPair({ createdAt: 1_000 });
    assert.equal(a.needsRekey(999 + REKEY_AFTER), false);
    assert.equal(a.needsRekey(1_000 + REKEY_AFTER), true);
    assert.equal(b.needsRekey(999 + REKEY_AFTER + REKEY_PATIENCE), false);
    assert.equal(b.needsRekey(1_000 + REKEY_AFTER + REKEY_PATIENCE), true);
    const changes: ((epoch: Epoch) => void)[] = [
      (epoch) => epoch.sealedBytes = REKEY_BYTES,
      (epoch) => epoch.sealedPackets = REKEY_PACKETS,
      (epoch) => epoch.forgeries = FORGERY_LIMIT / 2,
    ];
    for (const change of changes) {
      const [epoch] = epochPair({ createdAt: 1_000 });
      assert.equal(epoch.needsRekey(1_000), false);
      change(epoch);
      assert.equal(epoch.needsRekey(1_000), true);
    }
  });

  it("stops sealing long before counters or ciphers end, and opening after too many forgeries", () => {
    const [a, b] = epochPair();
    const packet = transport(a.seal(one));
    a.sealedPackets = CHACHA_PACKETS;
    assert.throws(() => a.seal(one), RangeError);
    b.forgeries = FORGERY_LIMIT;
    assert.equal(b.open(packet), undefined);
  });

  it("stops sooner under AES-GCM, whose blocks run out", {
    skip: !OWN_CIPHERS.includes(CipherId.aesGcm) && "this runtime has none",
  }, () => {
    const blocks = AES_BYTES / 16 + 2 * AES_PACKETS;
    assert.ok(Math.log2(blocks) <= 34.6, "RFC 8446 §5.5 has 2^34.5");
    assert.ok(AES_BYTES > REKEY_BYTES && AES_PACKETS > REKEY_PACKETS);
    for (const used of [{ sealedPackets: AES_PACKETS }, { sealedBytes: AES_BYTES }]) {
      const [epoch] = epochPair({ cipher: CipherId.aesGcm });
      epoch.seal(one);
      Object.assign(epoch, used);
      assert.throws(() => epoch.seal(one), RangeError);
    }
  });

  it("counts forgeries, not replays", () => {
    const [a, b] = epochPair();
    const packet = a.seal(one);
    b.open(transport(flipped(packet, 8 * 13)));
    b.open(transport(packet));
    b.open(transport(packet));
    assert.equal(b.forgeries, 1);
  });

  it("erases the keys it was given, and its own when told", () => {
    const keys = {
      send: new Uint8Array(32).fill(1),
      receive: new Uint8Array(32).fill(2),
      hash: new Uint8Array(32),
      cipher: CipherId.chaChaPoly,
    };
    const handshake = hex("0102030405060708");
    const epoch = new Epoch({ handshake, keys, initiated: true, createdAt: 0 });
    assert.equal(epoch.id, epochId(handshake));
    assert.deepEqual([keys.send, keys.receive], [new Uint8Array(32), new Uint8Array(32)]);
    const [a, b] = epochPair();
    const packet = transport(a.seal(one));
    b.forget();
    assert.equal(b.open(packet), undefined);
    assert.throws(() => b.seal(one), TypeError);
  });
});

describe("a packet", () => {
  it("of pieces opens to all of them, one behind the other", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), (pieces) => {
        const [a, b] = epochPair();
        assert.deepEqual(b.open(transport(a.seal(...pieces))), joinBytes(pieces));
        assert.deepEqual(a.sealedBytes, joinBytes(pieces).length);
      }),
      { numRuns: 100 },
    );
  });

  it("that nobody keeps opens as any other, and its memory is the next one's", () => {
    const plaintexts = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(plaintexts, (plaintexts) => {
        const [a, b] = epochPair();
        for (const plaintext of plaintexts) {
          const packet = a.sealPassing(plaintext);
          assert.deepEqual(b.open(transport(packet)), plaintext);
          assert.equal(a.sealPassing(plaintext).buffer, packet.buffer);
        }
      }),
      { numRuns: 100 },
    );
  });
});
