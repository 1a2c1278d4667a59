import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
// Not the main entry: under Node and Bun that loads a native addon, with which Bun aborts on some inputs.
import { Encoder } from "cbor-x/encode";
import fc from "fast-check";
import { decode, encode, type Value } from "../../src/wire/cbor.ts";
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

/** Another implementation, which reads and writes every kind of CBOR. */
const library = new Encoder({
  ...{ useRecords: false, mapsAsObjects: false, tagUint8Array: false, variableMapSize: true },
  ...{ copyBuffers: true, int64AsNumber: true },
});

describe("what is written", () => {
  it("reads the same for cbor-x, whatever the value", () => {
    fc.assert(
      fc.property(value, (value) => {
        const bytes = encode(value);
        assert.deepEqual(library.decode(bytes), value);
        assert.deepEqual(decode(bytes), value);
      }),
      { numRuns: 300 },
    );
  });

  it("and read is as by cbor-x, for every frame of vectors.json", () => {
    const { control, extended } = readVectors();
    for (const { name, hex: bytes } of [...control, ...extended]) {
      const items = decode(unhex(bytes))!;
      assert.deepEqual(items, library.decode(unhex(bytes)), name);
      assert.equal(hex(encode(items)), bytes, name);
    }
  });

  it("is right behind an item that was refused, and behind one of a megabyte", () => {
    assert.throws(() => encode([1, 2, undefined as unknown as null]), TypeError);
    assert.equal(hex(encode([1])), "8101");
    assert.equal(encode(new Uint8Array(1_000_000)).length, 1_000_005);
    assert.equal(hex(encode("a")), "6161");
  });

  it("is UTF-8 also where a short text has one letter beyond ASCII", () => {
    assert.equal(hex(encode(["aé", "b"])), "826361c3a96162");
  });
});

describe("what is read", () => {
  it("holds copies of byte strings, also of those in a Node Buffer", () => {
    for (const message of [unhex("8142cafe"), Buffer.from("8142cafe", "hex")]) {
      const [read] = decode(message) as [Uint8Array];
      message.fill(0);
      assert.equal(hex(read), "cafe");
      assert.equal(read.constructor, Uint8Array);
      assert.equal(read.byteLength, read.buffer.byteLength);
    }
  });
});
