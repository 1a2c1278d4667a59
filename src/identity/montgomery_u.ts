import { invert } from "@noble/curves/abstract/modular.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { P } from "./curve25519.ts";

/**
 * From edwards25519 to curve25519 by the birational map of RFC 7748 §4.1: u = (1 + y) / (1 − y) modulo p, for a y
 * below p, whose 32 bytes hold the sign of x, too. `undefined` for y = 1, the neutral element, which has no u.
 */
export type ToMontgomery = (key: Uint8Array) => Uint8Array | undefined;

/** In as few bytes as pages like. */
export const montgomeryU: ToMontgomery = (key) => {
  const y = bytesToNumberLE(key) % 2n ** 255n;
  return y === 1n ? undefined : numberToBytesLE((1n + y) * invert(P + 1n - y, P) % P, 32);
};
