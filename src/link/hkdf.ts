/**
 * The key derivation of Noise (revision 34, §4.3): HKDF-SHA256 (RFC 5869) with the
 * chaining key as salt and no info.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** Bytes of a hash, a chaining key and each output. */
export const HASH_SIZE = 32;

/** SHA-256 of the parts, one after the other. */
export function hash(...parts: Uint8Array[]): Uint8Array {
  const state = sha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

/** Two 32-byte keys of a chaining key and fresh input (which may be empty). */
export function hkdf(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const extracted = hmac(sha256, chainingKey, input);
  const first = hmac(sha256, extracted, Uint8Array.of(1));
  const second = hmac.create(sha256, extracted).update(first).update(Uint8Array.of(2)).digest();
  extracted.fill(0);
  return [first, second];
}
