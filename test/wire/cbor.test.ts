import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decode, encode, scan, type Value } from "../../src/wire/cbor.ts";
import { MAX_DEPTH, MAX_ITEMS } from "../../src/wire/limits.ts";
import { hex, unhex } from "./notation.ts";

const text = fc.string({ unit: "binary", maxLength: 300 })
  .filter((text) => !/\p{Surrogate}/u.test(text) && !text.startsWith("\ufeff"));
const bytes = fc.uint8Array({ maxLength: 300 });
const integer = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.constantFrom(23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
);
const scalar: fc.Arbitrary<Value> = fc.oneof(integer, text, bytes, fc.boolean(), fc.constant(null));
const list = fc.array(scalar, { maxLength: 30 });
const map = fc.array(fc.tuple(text, scalar), { maxLength: 10 }).map((pairs) => new Map(pairs));
const value: fc.Arbitrary<Value> = fc.oneof(
  scalar,
  list,
  map,
  fc.array(fc.oneof(scalar, list, map), { maxLength: 5 }),
);

describe("CBOR", () => {
  it("decode gives back what encode wrote, whatever the value", () => {
    fc.assert(
      fc.property(value, (value) => {
        const encoded = encode(value);
        const decoded = decode(encoded);
        assert.deepEqual(decoded, value);
        assert.deepEqual(encode(decoded!), encoded);
      }),
      { numRuns: 300 },
    );
  });

  it("maps have one form, in whatever order their keys were set", () => {
    fc.assert(
      fc.property(map, fc.infiniteStream(fc.nat()), (map, order) => {
        const shuffled = [...map].map((pair) => [order.next().value, pair] as const)
          .sort((a, b) => a[0] - b[0]).map(([, pair]) => pair);
        assert.deepEqual(encode(new Map(shuffled)), encode(map));
      }),
    );
  });

  it("whatever decodes is the only encoding of its value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const decoded = decode(bytes);
        if (decoded !== undefined) assert.deepEqual(encode(decoded), bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("mutated bytes never throw and never decode to a second form", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encode(value);
        bytes[at % bytes.length] = byte;
        const decoded = decode(bytes);
        if (decoded !== undefined) assert.deepEqual(encode(decoded), bytes);
      }),
      { numRuns: 300 },
    );
  });

  it("is refused when cut off at any byte", () => {
    fc.assert(
      fc.property(value, (value) => {
        const bytes = encode(value);
        for (let end = 0; end < bytes.length; end++) {
          assert.equal(decode(bytes.subarray(0, end)), undefined);
          assert.equal(scan(bytes, 0, end, MAX_DEPTH), -1);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("scan finds an item's end among other bytes", () => {
    fc.assert(
      fc.property(bytes, value, bytes, (before, value, after) => {
        const item = encode(value);
        const message = new Uint8Array([...before, ...item, ...after]);
        const end = before.length + item.length;
        assert.equal(scan(message, before.length, message.length, MAX_DEPTH), end);
      }),
    );
  });

  it("scan reads nothing behind its end, even where there are bytes", () => {
    assert.equal(scan(unhex("420001"), 0, 2, MAX_DEPTH), -1);
    assert.equal(scan(unhex("00"), 0, 99, MAX_DEPTH), 1);
    assert.equal(scan(unhex("00"), 1, 99, MAX_DEPTH), -1);
  });

  it("nests as deep as permitted and no deeper", () => {
    assert.equal(hex(encode(decode(unhex("8181818100"))!)), "8181818100");
    assert.equal(decode(unhex("818181818100")), undefined);
    assert.equal(decode(unhex("80"), 0), undefined);
    assert.equal(decode(unhex("00"), 0), 0);
  });

  it("a megabyte of array heads ends at once, without recursion", () => {
    assert.equal(decode(new Uint8Array(1 << 20).fill(0x81)), undefined);
    assert.equal(scan(new Uint8Array(1 << 20).fill(0x81), 0, 1 << 20, Infinity), -1);
  });

  it(`holds at most ${MAX_ITEMS} items`, () => {
    assert.equal((decode(encode(Array(MAX_ITEMS - 1).fill(0))) as Value[]).length, MAX_ITEMS - 1);
    assert.equal(decode(encode(Array(MAX_ITEMS).fill(0))), undefined);
  });

  it("decoded byte strings outlive the message they came in", () => {
    for (const message of [unhex("8142cafe"), Buffer.from("8142cafe", "hex")]) {
      const [read] = decode(message) as [Uint8Array];
      message.fill(0);
      assert.equal(hex(read), "cafe");
      assert.equal(read.constructor, Uint8Array);
    }
  });

  it("what this subset cannot carry is a TypeError of the caller", () => {
    const impossible = [
      1.5,
      -1,
      2 ** 53,
      NaN,
      Infinity,
      undefined,
      1n,
      {},
      "\ud800",
      "\ufeffa",
      new Date(),
      () => 0,
    ];
    for (const value of impossible) {
      assert.throws(() => encode(value as Value), TypeError);
      assert.throws(() => encode([value as Value]), TypeError);
      assert.throws(() => encode(new Map([["a", value as Value]])), TypeError);
    }
    assert.throws(() => encode(new Map([[1, 1]]) as unknown as Value), TypeError);
  });

  it("-0 is written as 0", () => assert.equal(hex(encode(-0)), "00"));
});
