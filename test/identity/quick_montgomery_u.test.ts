import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import fc from "fast-check";
import { P } from "../../src/identity/curve25519.ts";
import { montgomeryU } from "../../src/identity/montgomery_u.ts";
import { quickMontgomeryU } from "../../src/identity/quick_montgomery_u.ts";

function assertRight(y: bigint): void {
  const key = numberToBytesLE(y, 32);
  assert.deepEqual(quickMontgomeryU(key), montgomeryU(key), `y = ${y}`);
}

describe("the way to curve25519", () => {
  it("is the map of RFC 7748, for each y", () => {
    fc.assert(fc.property(fc.bigInt({ min: 2n, max: P - 1n }), assertRight), { numRuns: 1_000 });
  });

  it("is the same near 1 and p, near powers of two and fractions of p, where the quotients are large", () => {
    for (let i = 2n; i < 255n; i++) {
      for (const y of [i, P - i, 2n ** i % P, P - 2n ** (i - 1n), P / i, P - P / i, P + 1n - P / i]) {
        if (y % P !== 1n) assertRight(y % P);
      }
    }
  });

  it("does not look at the sign of x", () => {
    fc.assert(fc.property(fc.bigInt({ min: 2n, max: P - 1n }), (y) => {
      const key = numberToBytesLE(y, 32);
      const u = quickMontgomeryU(key);
      key[31]! |= 0x80;
      assert.deepEqual(quickMontgomeryU(key), u);
      assert.deepEqual(montgomeryU(key), u);
    }));
  });

  it("is that of the curve's own points", () => {
    const key = ed25519.Point.BASE.toBytes();
    assert.deepEqual(quickMontgomeryU(key), numberToBytesLE(9n, 32)); // RFC 7748 §4.1
    assert.deepEqual(quickMontgomeryU(key), ed25519.utils.toMontgomery(key));
  });

  it("is none for the neutral element", () => {
    assert.equal(quickMontgomeryU(numberToBytesLE(1n, 32)), undefined);
    assert.equal(montgomeryU(numberToBytesLE(1n, 32)), undefined);
  });
});
