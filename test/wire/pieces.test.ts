import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeScanned, encode, scan, type Value } from "../../src/wire/cbor.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { MAX_DEPTH } from "../../src/wire/limits.ts";
import { encodePieces } from "../../src/wire/pieces.ts";
import { hex } from "./notation.ts";

const long = fc.integer({ min: 1_000, max: 70_000 }).map((size) => new Uint8Array(size).fill(size));
const item: fc.Arbitrary<Value> = fc.oneof(
  fc.maxSafeNat(),
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ maxLength: 10, unit: "grapheme-ascii" }),
  fc.array(fc.nat(), { maxLength: 3 }),
  long,
);

describe("an array in pieces", () => {
  it("is, joined, what it is in one, and long byte strings in it are not copied", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 23 }), (items) => {
        const pieces = encodePieces(items);
        assert.equal(hex(joinBytes(pieces)), hex(encode(items)));
        const uncopied = items.filter((item) => item instanceof Uint8Array && item.length >= 1_024);
        for (const item of uncopied) assert.ok(pieces.includes(item as Uint8Array));
        if (uncopied.length === 0) assert.equal(pieces.length, 1);
      }),
      { numRuns: 200 },
    );
  });

  it("has no more items than a head of one byte can tell", () => {
    assert.throws(() => encodePieces(new Array(24).fill(0)), RangeError);
  });
});

describe("an item that was scanned", () => {
  it("is read from where it lies, its byte strings as views or as copies", () => {
    fc.assert(
      fc.property(item, fc.uint8Array({ maxLength: 9 }), (value, before) => {
        const bytes = joinBytes([before, encode([value]), before]);
        const end = scan(bytes, before.length, bytes.length, MAX_DEPTH);
        for (const views of [true, false]) {
          const [read] = decodeScanned(bytes, before.length, end, views) as [Value];
          assert.deepEqual(read, value);
          if (read instanceof Uint8Array) assert.equal(read.buffer === bytes.buffer, views);
        }
      }),
      { numRuns: 200 },
    );
  });
});
