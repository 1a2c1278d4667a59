import { ed25519 } from "@noble/curves/ed25519.js";

/**
 * Why these 32 bytes are no point of prime order on edwards25519 (RFC 8032 §5.1), or `undefined` if
 * they are. y MUST be below p.
 *
 * Bundles for browsers get `point.browser.ts` through the package's `browser` field.
 */
export function strayPoint(key: Uint8Array): string | undefined {
  // `true`: the identity with the sign of x set is decoded too, and named for what it is.
  const point = decoded(() => ed25519.Point.fromBytes(key, true));
  if (point === undefined) return "no point of the curve has this encoding";
  if (point.isSmallOrder()) return "the point has small order";
  return point.isTorsionFree() ? undefined : "the point is outside the prime-order subgroup";
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
