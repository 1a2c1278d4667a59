import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  blankTransport,
  epochId,
  INIT_OVERHEAD,
  type Packet,
  readPacket,
  RESPONSE_OVERHEAD,
  TRANSPORT_OVERHEAD,
  writeInit,
  writeRefused,
  writeResponse,
  writeUnknown,
} from "../../src/link/packet.ts";
import { hex } from "./hex.ts";

const handshake = fc.uint8Array({ minLength: 8, maxLength: 8 });
const u32 = fc.nat({ max: 0xffff_ffff });

/** Views compare by content only when copied: a Buffer or a shared buffer is not what is claimed here. */
function plain(packet: Packet | undefined): unknown {
  return packet && Object.fromEntries(
    Object.entries(packet).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
  );
}

describe("packets", () => {
  it("in hex", () => {
    const id = hex("0102030405060708");
    assert.deepEqual(writeUnknown(0x01020304), hex("04 01020304"));
    assert.deepEqual(writeRefused(id, 0x0141), hex("05 0102030405060708 0141"));
    assert.deepEqual(writeInit(id, hex("aabb")), hex("01 0102030405060708 aabb"));
    assert.deepEqual(writeResponse(id, hex("aabb")), hex("02 0102030405060708 aabb"));
    const blank = blankTransport(epochId(id), 0x11_0203_0405_0607, 0);
    assert.deepEqual(blank.slice(), hex("03 01020304 0011020304050607 00000000000000000000000000000000"));
  });

  it("are read as they were written", () => {
    fc.assert(
      fc.property(
        handshake,
        fc.uint8Array({ minLength: 96, maxLength: 300 }),
        u32,
        fc.maxSafeNat(),
        (id, message, n, counter) => {
          assert.deepEqual(plain(readPacket(writeInit(id, message))), {
            kind: "init",
            handshake: [...id],
            message: [...message],
          });
          assert.deepEqual(plain(readPacket(writeResponse(id, message))), {
            kind: "response",
            handshake: [...id],
            message: [...message],
          });
          assert.deepEqual(readPacket(writeUnknown(n)), { kind: "unknown", epoch: n });
          const reason = n & 0xffff;
          assert.deepEqual(plain(readPacket(writeRefused(id, reason))), {
            kind: "refused",
            handshake: [...id],
            reason,
          });
          const transport = readPacket(blankTransport(n, counter, message.length));
          assert.ok(transport?.kind === "transport");
          assert.deepEqual([transport.epoch, transport.counter], [n, counter]);
          assert.deepEqual([transport.header.length, transport.sealed.length], [13, message.length + 16]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("of impossible lengths are none", () => {
    const sized = (type: number, size: number) => readPacket(new Uint8Array(size).fill(type, 0, 1));
    const bounds: [number, number, number][] = [
      [1, INIT_OVERHEAD, 9 + 65_535],
      [2, RESPONSE_OVERHEAD, 9 + 65_535],
      [4, 5, 5],
      [5, 11, 11],
    ];
    for (const [type, least, most] of bounds) {
      assert.deepEqual([least - 1, least, most, most + 1].map((size) => sized(type, size) !== undefined), [
        false,
        true,
        true,
        false,
      ]);
    }
    assert.equal(sized(3, TRANSPORT_OVERHEAD - 1), undefined);
    assert.notEqual(sized(3, TRANSPORT_OVERHEAD), undefined);
    assert.deepEqual([INIT_OVERHEAD, RESPONSE_OVERHEAD, TRANSPORT_OVERHEAD], [105, 57, 29]);
  });

  it("with a counter that a number cannot hold exactly are none", () => {
    const packet = blankTransport(1, Number.MAX_SAFE_INTEGER, 0);
    assert.notEqual(readPacket(packet), undefined);
    packet.set(hex("0020000000000000"), 5);
    assert.equal(readPacket(packet), undefined);
    packet.set(hex("ffffffffffffffff"), 5);
    assert.equal(readPacket(packet), undefined);
  });

  it("of types that are not known are none, and no bytes throw", () => {
    for (const type of [0, 6, 255]) assert.equal(readPacket(new Uint8Array(200).fill(type)), undefined);
    assert.equal(readPacket(new Uint8Array()), undefined);
    fc.assert(
      fc.property(fc.nat({ max: 6 }), fc.uint8Array({ maxLength: 200 }), (type, rest) => {
        const packet = readPacket(Uint8Array.of(type, ...rest));
        if (packet !== undefined) assert.ok(type >= 1 && type <= 5);
      }),
      { numRuns: 300 },
    );
  });

  it("tell the caller about ids and reasons that do not fit", () => {
    assert.throws(() => writeInit(new Uint8Array(7), new Uint8Array(96)), RangeError);
    for (const reason of [-1, 65_536, 1.5, NaN]) {
      assert.throws(() => writeRefused(new Uint8Array(8), reason), RangeError);
    }
  });
});
