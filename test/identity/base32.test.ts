import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeBase32, encodeBase32 } from "../../src/identity/base32.ts";

/** RFC 4648 §10, in lower case and without padding. */
const VECTORS = [
  ["", ""],
  ["f", "my"],
  ["fo", "mzxq"],
  ["foo", "mzxw6"],
  ["foob", "mzxw6yq"],
  ["fooba", "mzxw6ytb"],
  ["foobar", "mzxw6ytboi"],
] as const;

describe("base32", () => {
  for (const [plain, text] of VECTORS) {
    it(`RFC 4648: "${plain}" is "${text}"`, () => {
      const bytes = new TextEncoder().encode(plain);
      assert.equal(encodeBase32(bytes), text);
      assert.deepEqual(decodeBase32(text), bytes);
    });
  }
  it("reads back what it wrote", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.deepEqual(decodeBase32(encodeBase32(bytes)), bytes);
    }));
  });
  it("has one text for each byte string", () => {
    const letters = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567");
    fc.assert(fc.property(fc.string({ unit: letters, maxLength: 60 }), (text) => {
      const bytes = decodeBase32(text);
      if (bytes !== undefined) assert.equal(encodeBase32(bytes), text);
    }));
  });
  it("refuses letters outside the alphabet, padding and upper case", () => {
    for (const text of ["m1", "m0", "m8", "MY", "my======", "m ", "mÿ", "m\u0131", "m\u{1f600}"]) {
      assert.equal(decodeBase32(text), undefined, text);
    }
  });
  it("refuses lengths that no byte string has", () => {
    for (const length of [1, 3, 6, 9, 11, 14]) assert.equal(decodeBase32("a".repeat(length)), undefined);
  });
  it("refuses bits after the last byte", () => {
    for (const text of ["mz", "mzxr", "mzxw7", "mzxw6yr"]) assert.equal(decodeBase32(text), undefined, text);
  });
});
