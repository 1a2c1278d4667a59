/**
 * Curve25519 (RFC 7748 §4.1) on the Montgomery ladder of @noble/curves: small, because it needs no
 * Edwards curve. Two users share it: the agreement of links, and the check of keys in browsers.
 *
 * @module
 */
import { montgomery } from "@noble/curves/abstract/montgomery.js";

/** 2^255 − 19. */
export const P: bigint = 2n ** 255n - 19n;

/** x^(p−2), the inverse of x (Fermat). The exponent is public, so its bits may steer. */
function invert(x: bigint): bigint {
  let power = 1n;
  for (let bit = 254n; bit >= 0n; bit--) {
    power = power * power % P;
    if ((P - 2n) >> bit & 1n) power = power * x % P;
  }
  return power;
}

/** Scalar multiplication; `adjustScalarBytes` says what becomes of a scalar first. */
export function ladder(adjustScalarBytes: (scalar: Uint8Array) => Uint8Array): ReturnType<typeof montgomery> {
  return montgomery({ P, type: "x25519", adjustScalarBytes, powPminus2: invert });
}
