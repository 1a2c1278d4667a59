import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Point } from "@noble/ed25519";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { invalidKey } from "../../src/identity/key_check.ts";
import { hex, unhex } from "./bytes.ts";

const P = 2n ** 255n - 19n;

function littleEndian(n: bigint): Uint8Array {
  return unhex(n.toString(16).padStart(64, "0")).reverse();
}
const torsion = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text, true));

describe("a public key", () => {
  it("of each multiple of the base point is good, the first time and again", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 252n }), (n) => {
        const key = Point.BASE.multiply(n).toBytes();
        assert.equal(invalidKey(key), undefined);
        assert.equal(invalidKey(key), undefined);
      }),
      { numRuns: 30 },
    );
  });
  it("of another length than 32 bytes is refused", () => {
    for (const length of [0, 31, 33]) assert.match(invalidKey(new Uint8Array(length))!, /32 bytes/);
  });
  it("of small order is refused: all eight points, with either sign bit", () => {
    assert.equal(torsion.length, 8);
    for (const point of torsion) {
      for (const sign of [0, 0x80]) {
        const key = new Uint8Array(point.toBytes());
        key[31]! ^= sign;
        assert.equal(invalidKey(key), "the point has small order", hex(key));
      }
    }
  });
  it("with y ≥ p is refused: all 19 encodings, with either sign bit", () => {
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0n, 2n ** 255n]) assert.match(invalidKey(littleEndian(y + sign))!, /not canonical/);
    }
  });
  it("just below p is not called non-canonical", () => {
    assert.equal(invalidKey(littleEndian(P - 1n)), "the point has small order"); // y = −1
    for (const y of [P - 2n, P - 3n, P - 256n]) {
      assert.doesNotMatch(invalidKey(littleEndian(y)) ?? "", /canonical/);
    }
  });
  it("that is no point of the curve is refused", () => {
    assert.equal(invalidKey(littleEndian(2n)), "no point of the curve has this encoding");
  });
  it("of mixed order is refused: a good point plus each small one", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 252n }), (n) => {
        const good = Point.BASE.multiply(n);
        for (const small of torsion) {
          const reason = invalidKey(good.add(small).toBytes());
          assert.equal(reason, small.is0() ? undefined : "the point is outside the prime-order subgroup");
        }
      }),
      { numRuns: 10 },
    );
  });
});

it("a small-order key makes a signature good for any message: why it is refused", async () => {
  const { nativeEd25519 } = await import("../../src/identity/native.ts");
  const identityPoint = Point.ZERO.toBytes();
  const forged = Uint8Array.of(...identityPoint, ...new Uint8Array(32));
  const check = await nativeEd25519()!.importPublicKey(identityPoint);
  assert.equal(await check(new TextEncoder().encode("anything"), forged), true);
  assert.equal(invalidKey(identityPoint), "the point has small order");
});
