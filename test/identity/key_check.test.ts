import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Point } from "@noble/ed25519";
import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { hash as sha512 } from "@stablelib/sha512";
import fc from "fast-check";
import { invalidKey } from "../../src/identity/key_check.ts";
import { nativeEd25519 } from "../../src/identity/native.ts";
import { hex, unhex } from "./bytes.ts";
import { DISPUTED, SPECCHECK_KEYS } from "./speccheck_vectors.ts";

const P = 2n ** 255n - 19n;

function littleEndian(n: bigint): Uint8Array {
  return unhex(n.toString(16).padStart(64, "0")).reverse();
}
function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes.slice().reverse())}`);
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
  const identityPoint = Point.ZERO.toBytes();
  const forged = Uint8Array.of(...identityPoint, ...new Uint8Array(32));
  const check = await nativeEd25519()!.importPublicKey(identityPoint);
  assert.equal(await check(new TextEncoder().encode("anything"), forged), true);
  assert.equal(invalidKey(identityPoint), "the point has small order");
});

describe("the vectors of “Taming the many EdDSAs”", () => {
  for (const { cases, key, flaw } of SPECCHECK_KEYS) {
    it(`cases ${cases}: the key is ${flaw === undefined ? "good" : "refused"}`, () => {
      const reason = invalidKey(unhex(key));
      if (flaw === undefined) assert.equal(reason, undefined);
      else assert.match(reason!, flaw);
    });
  }
  it("case 4: verifiers disagree about a key of mixed order, why it is refused", async () => {
    const [message, key, signature] = [DISPUTED.message, DISPUTED.key, DISPUTED.signature].map(unhex);
    const native = await nativeEd25519()!.importPublicKey(key!);
    assert.equal(await native(message!, signature!), false);
    assert.equal(ed25519.verify(signature!, message!, key!, { zip215: true }), true);
    assert.notEqual(invalidKey(key!), undefined);
  });
});

it("a valid signature does not show that its key has prime order: why no signature can stand for the check", async () => {
  const [secret, message] = [1234567n, Uint8Array.of(1)];
  const small = torsion.find((point) => point.isSmallOrder() && !point.double().double().is0())!;
  const key = Point.BASE.multiply(secret).add(small).toBytes();
  const verifies = await nativeEd25519()!.importPublicKey(key);
  let found = 0;
  // R = nB: the small part is k times the small point, which is none for one k of eight.
  for (let nonce = 1n; nonce < 200n; nonce++) {
    const r = Point.BASE.multiply(nonce).toBytes();
    const k = fromLittleEndian(sha512(Uint8Array.of(...r, ...key, ...message)));
    const s = littleEndian((nonce + k * secret) % Point.CURVE().n);
    if (await verifies(message, Uint8Array.of(...r, ...s))) found++;
  }
  assert.ok(found > 0 && found < 100, `${found} of 199`);
  assert.equal(invalidKey(key), "the point is outside the prime-order subgroup");
});
