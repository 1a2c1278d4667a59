import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decode, encode, type Value } from "../../src/wire/cbor.ts";
import { codec as own } from "../../src/wire/cbor_codec.browser.ts";
import { codec as library } from "../../src/wire/cbor_codec.ts";
import { hex, unhex } from "./notation.ts";
import { readVectors } from "./vectors.ts";

const text = fc.string({ unit: "binary", maxLength: 300 })
  .filter((text) => !/\p{Surrogate}/u.test(text) && !text.startsWith("\ufeff"));
const key = fc.string({ maxLength: 30 });
const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  text,
  fc.uint8Array({ maxLength: 300 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom("é".repeat(40_000), new Uint8Array(70_000)),
);
const list = fc.array(scalar, { maxLength: 30 });
const map = fc.array(fc.tuple(key, fc.oneof(scalar, list)), { maxLength: 30 }).map((pairs) => new Map(pairs));
const value: fc.Arbitrary<Value> = fc.oneof(scalar, list, map, fc.array(map, { maxLength: 5 }));

describe("the codec of browsers", () => {
  it("reads and writes what cbor-x does, byte for byte, whatever the value", () => {
    fc.assert(
      fc.property(value, (value) => {
        const bytes = encode(value);
        const read = own.decode(bytes);
        assert.deepEqual(read, decode(bytes));
        assert.deepEqual(own.encode(read), bytes);
      }),
      { numRuns: 300 },
    );
  });

  it("reads and writes every frame of vectors.json", () => {
    const { control, extended } = readVectors();
    for (const { name, hex: bytes } of [...control, ...extended]) {
      assert.deepEqual(own.decode(unhex(bytes)), library.decode(unhex(bytes)), name);
      assert.equal(hex(own.encode(own.decode(unhex(bytes)))), bytes, name);
    }
  });

  it("takes the bigints that cbor-x wants", () => {
    for (const integer of [2 ** 32, 2 ** 53 - 1]) {
      assert.equal(hex(own.encode(BigInt(integer))), hex(library.encode(BigInt(integer))));
    }
  });

  it("gives views of byte strings where they are asked for, as cbor-x does", () => {
    for (const codec of [own, library]) {
      const message = unhex("8142cafe");
      const [read] = codec.decodeViews(message) as [Uint8Array];
      message.fill(7);
      assert.equal(hex(read), "0707");
    }
  });

  it("gives copies of byte strings", () => {
    const message = unhex("8142cafe");
    const [read] = own.decode(message) as [Uint8Array];
    message.fill(0);
    assert.equal(hex(read), "cafe");
    assert.equal(read.byteLength, read.buffer.byteLength);
  });
});
