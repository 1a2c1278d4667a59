/**
 * Whether a key lies in the group of prime order, by one multiplication on curve25519: a runtime's own
 * X25519 does it in a tenth of the time that Edwards curves take in JavaScript, and a page has that
 * curve anyway for its links.
 *
 * The birational map of RFC 7748 §4.1, u = (1 + y) / (1 − y), sends the point A of edwards25519 with
 * that y to ±A on curve25519. Let ℓ be the prime order and k = 5ℓ − 1. Then k·A has the same u as A,
 * which means k·A = ±A, exactly if A has order ℓ:
 *
 * - k·A = −A if 5ℓ·A = 0, k·A = A if (5ℓ − 2)·A = 0;
 * - the orders of points on the curve divide 8ℓ, and an odd number shares with it ℓ (5ℓ) or nothing
 *   (5ℓ − 2, for ℓ does not divide 2): so A has order ℓ, or is the identity, which no ladder takes;
 * - a y that no point has gives a u of the curve's twist, whose orders divide 4ℓ' for another prime
 *   ℓ' ≈ 2ℓ, which divides neither.
 *
 * 5ℓ − 1, because it is what X25519 makes of any scalar: a multiple of 8 between 2^254 and 2^255 (ℓ
 * leaves 5 when divided by 8). So points of small order go to zero, which X25519 refuses. The key is
 * public: none of this needs to take constant time.
 *
 * Nothing weaker will do. That a signature verifies says nothing of its key's order: the signer who
 * added a small point to his key tries nonces until the small parts cancel, eight times on average.
 * And such a key is judged differently by verifiers with and without the cofactor (Chalkias, Garillot
 * and Nikolaenko, "Taming the many EdDSAs", SSR 2020), so that peers would disagree on who said what.
 *
 * @module
 */
import { invert } from "@noble/curves/abstract/modular.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { P } from "./curve25519.ts";

/** ℓ (RFC 8032 §5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** 5ℓ − 1, with which {@link Ladder} multiplies. */
export const PRIME_ORDER_SCALAR: Uint8Array = /* @__PURE__ */ numberToBytesLE(5n * ORDER - 1n, 32);

/** {@link PRIME_ORDER_SCALAR} times the point with this u (RFC 7748 §5). MAY throw for points of small order. */
export type Ladder = (u: Uint8Array) => Uint8Array;

/** Whether these 32 bytes are a point of prime order on edwards25519 (RFC 8032 §5.1.3). y MUST be below p. */
export function hasPrimeOrder(key: Uint8Array, ladder: Ladder): boolean {
  const y = bytesToNumberLE(key) % 2n ** 255n; // without the sign of x
  try {
    const u = numberToBytesLE((1n + y) * invert(P + 1n - y, P) % P, 32);
    return ladder(u).every((byte, i) => byte === u[i]);
  } catch {
    return false; // small order
  }
}
