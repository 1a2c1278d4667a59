import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { hash, hkdf } from "../../src/link/hkdf.ts";
import { hex } from "./hex.ts";

describe("HKDF as Noise uses it", () => {
  it("RFC 5869 test case 3 (no salt, no info)", () => {
    const [first, second] = hkdf(new Uint8Array(32), new Uint8Array(22).fill(0x0b));
    const expected = hex(
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
    assert.deepEqual(Uint8Array.of(...first, ...second).subarray(0, 42), expected);
  });

  it("hashes its parts as one", () => {
    const abc = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert.deepEqual(
      hash(new TextEncoder().encode("a"), new Uint8Array(), new TextEncoder().encode("bc")),
      abc,
    );
  });
});
