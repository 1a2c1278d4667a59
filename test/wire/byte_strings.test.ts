import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { byteStringsBehind } from "../../src/wire/byte_strings.ts";
import { encode } from "../../src/wire/cbor.ts";

describe("byte strings behind a word", () => {
  it("are written as CBOR writes the array of them", () => {
    const word = fc.oneof(fc.nat(30), fc.constantFrom("waymeet.1 welcome", "waymeet.1 topic", "ü"));
    const length = fc.constantFrom(0, 1, 23, 24, 255, 256, 65_535, 65_536);
    const part = length.map((size) => new Uint8Array(size).fill(size));
    fc.assert(fc.property(word, fc.array(part, { maxLength: 22 }), (word, parts) => {
      assert.deepEqual(byteStringsBehind(word, ...parts), encode([word, ...parts]));
    }));
  });
});
