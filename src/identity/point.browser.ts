/**
 * The check of `point.ts` on the curve that links need anyway: a third of the bytes that Edwards
 * curves cost a page.
 *
 * The birational map of RFC 7748 §4.1, u = (1 + y) / (1 − y), sends the point A of edwards25519 with
 * that y to ±A on curve25519. Let ℓ be the prime order and k = 5ℓ + 1. Then k·A has the same u as A,
 * which means k·A = ±A, exactly if A has order ℓ:
 *
 * - k·A = A if 5ℓ·A = 0, k·A = −A if (5ℓ + 2)·A = 0;
 * - the orders of points on the curve divide 8ℓ, and an odd number shares with it ℓ (5ℓ) or nothing
 *   (5ℓ + 2, for ℓ does not divide 2): so A has order ℓ, or is the identity, which no ladder takes;
 * - a y that no point has gives a u of the curve's twist, whose orders divide 4ℓ' for another prime
 *   ℓ', which divides neither.
 *
 * 5 because a ladder's scalars lie between 2^254 and 2^255 − 8. The key is public: none of this needs
 * to take constant time.
 *
 * @module
 */
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { invert, ladder, P } from "./curve25519.ts";

/** ℓ (RFC 8032 §5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SCALAR: Uint8Array = /* @__PURE__ */ numberToBytesLE(5n * ORDER + 1n, 32);
const { scalarMult } = /* @__PURE__ */ ladder((scalar) => scalar);

/** As in `point.ts`, with one reason for all. */
export function strayPoint(key: Uint8Array): string | undefined {
  const y = bytesToNumberLE(key) % 2n ** 255n; // without the sign of x
  const u = numberToBytesLE((1n + y) * invert(P + 1n - y) % P, 32);
  return same(u) ? undefined : "no point of prime order has this encoding";
}

function same(u: Uint8Array): boolean {
  try {
    return scalarMult(SCALAR, u).every((byte, i) => byte === u[i]);
  } catch {
    return false; // small order
  }
}
