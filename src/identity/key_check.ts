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
import { encodeBase32 } from "./base32.ts";
import { strayPoint } from "./point.ts";
import { Recent } from "./recent.ts";

/** Length of an ed25519 public key, bytes (RFC 8032 §5.1.5). */
export const KEY_LENGTH = 32;

/**
 * Keys that are remembered as good, about 200 bytes each: more than the sessions of one node, so that all its
 * peers may come back and none is checked again. Who pushes them out with keys of his own costs
 * a check each, about as much as a verification.
 */
const REMEMBERED = 16_384;
const good = new Recent<true>(REMEMBERED);

/**
 * Why these bytes cannot be an ed25519 public key, or `undefined` if they can.
 *
 * Refused: another length than 32, y ≥ p (RFC 8032 §5.1.3 step 1), small order, no point
 * of the curve, and points outside the prime-order subgroup. The last test takes 0.05 ms (Bun)
 * to 0.1 ms (Node, Deno), and 0.3 to 0.9 where the runtime has no X25519, so keys found good are
 * remembered, up to a bound.
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
  if (good.get(text)) return undefined;
  const reason = invalidPoint(key);
  if (reason === undefined) good.set(text, true);
  return reason;
}

function invalidPoint(key: Uint8Array): string | undefined {
  return isReduced(key) ? strayPoint(key) : "the encoding is not canonical (y ≥ p)";
}

/** y < p = 2^255 − 19, whose little-endian bytes are ed ff … ff 7f. */
function isReduced(key: Uint8Array): boolean {
  if ((key[31]! & 0x7f) !== 0x7f || key[0]! < 0xed) return true;
  for (let i = 1; i < 31; i++) if (key[i] !== 0xff) return true;
  return false;
}
