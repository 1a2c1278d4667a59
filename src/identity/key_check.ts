/**
 * The one check of a public key, made where the key enters (protocol rule 2).
 *
 * Verifiers disagree on bad keys. A key of small order makes one signature valid for
 * every message on WebCrypto and node:crypto; a key of mixed order (a good point plus a
 * small one) is judged differently by different libraries; a second encoding of the same
 * point would be a second id of the same peer. Behind this check none of them exists.
 *
 * @module
 */
import { bytesToHex } from "@noble/hashes/utils.js";
import { encodeBase32 } from "./base32.ts";
import { decodePoint } from "./point.ts";

/** Length of an ed25519 public key, bytes (RFC 8032 §5.1.5). */
export const KEY_LENGTH = 32;

/**
 * Keys remembered as good, about 150 bytes each: more than the sessions of one node, so that all its
 * peers may come back and none is checked again. Who pushes them out with keys of his own costs a
 * check each, as much as seven signatures.
 */
const REMEMBERED = 16_384;
const good = new Set<string>();

/** y of the eight points whose order divides 8, little-endian: 1, −1, 0, and ±y of the points of order 8. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/**
 * Why these bytes cannot be an ed25519 public key, or `undefined` if they can.
 *
 * Refused: another length than 32, y ≥ p (RFC 8032 §5.1.3 step 1), small order, no point
 * of the curve, and points outside the prime-order subgroup. The last test takes
 * 0.3 ms (Bun, Deno) to 0.8 ms (Node), so keys found good are remembered, up to a bound.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(invalidKey(new Uint8Array(32)), "the point has small order");
 * ```
 */
export function invalidKey(key: Uint8Array): string | undefined {
  if (key.length !== KEY_LENGTH) return `a key has ${KEY_LENGTH} bytes, this has ${key.length}`;
  const text = encodeBase32(key);
  if (good.delete(text)) good.add(text); // now the most recent
  else {
    const reason = invalidPoint(key);
    if (reason !== undefined) return reason;
    remember(text);
  }
  return undefined;
}

function remember(text: string): void {
  if (good.size >= REMEMBERED) good.delete(good.values().next().value!);
  good.add(text);
}

function invalidPoint(key: Uint8Array): string | undefined {
  if (!isReduced(key)) return "the encoding is not canonical (y ≥ p)";
  if (SMALL_ORDER_Y.has(hexOfY(key))) return "the point has small order";
  const point = decodePoint(key);
  if (point === undefined) return "no point of the curve has this encoding";
  return point.isTorsionFree() ? undefined : "the point is outside the prime-order subgroup";
}

/** y < p = 2^255 − 19, whose little-endian bytes are ed ff … ff 7f. */
function isReduced(key: Uint8Array): boolean {
  if ((key[31]! & 0x7f) !== 0x7f || key[0]! < 0xed) return true;
  for (let i = 1; i < 31; i++) if (key[i] !== 0xff) return true;
  return false;
}

/** The key without the sign of x. */
function hexOfY(key: Uint8Array): string {
  const y = Uint8Array.from(key);
  y[31]! &= 0x7f;
  return bytesToHex(y);
}
