import { ed25519 } from "@noble/curves/ed25519.js";

/** A point of edwards25519 (RFC 8032 §5.1). */
export interface Point {
  /** Whether its order divides that of the base point. */
  isTorsionFree(): boolean;
}

/**
 * Decodes strictly (RFC 8032 §5.1.3); `undefined`: no point has this encoding. `key` has 32 bytes.
 *
 * Bundles for browsers get `point.browser.ts` through the package's `browser` field.
 */
export function decodePoint(key: Uint8Array): Point | undefined {
  try {
    return ed25519.Point.fromBytes(key, false);
  } catch {
    return undefined;
  }
}
