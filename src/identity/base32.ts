/**
 * Base32 in lower case without padding (RFC 4648 §6). It fits a DNS label and a URL,
 * and survives a change of case.
 *
 * @module
 */

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

const CODES: Uint8Array = new TextEncoder().encode(ALPHABET);
const ascii = new TextDecoder();

/** Value of each ASCII code, −1 where it is no letter of the alphabet. */
const VALUES: Int8Array = new Int8Array(128).fill(-1);
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * Encodes bytes as lowercase unpadded base32.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(encodeBase32(new TextEncoder().encode("foobar")), "mzxw6ytboi");
 * ```
 */
export function encodeBase32(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length * 8 / 5));
  let pool = 0, bits = 0, at = 0;
  for (let i = 0; i < bytes.length; i++) {
    pool = (pool & 31) << 8 | bytes[i]!;
    for (bits += 8; bits >= 5; bits -= 5) text[at++] = CODES[pool >> (bits - 5) & 31]!;
  }
  if (bits > 0) text[at] = CODES[pool << (5 - bits) & 31]!;
  return ascii.decode(text); // a quarter of the time that it takes to join letters
}

/**
 * Decodes lowercase unpadded base32; `undefined` for a letter outside the alphabet, an
 * impossible length, or bits set after the last byte: each byte string has one text.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.deepEqual(decodeBase32("my"), new TextEncoder().encode("f"));
 * assert.equal(decodeBase32("mz"), undefined); // the same byte, with a bit left over
 * ```
 */
export function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length * 5 >> 3);
  let pool = 0, bits = 0, at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1;
    if (value < 0) return undefined;
    pool = (pool << 5 | value) & 0xfff;
    bits += 5;
    if (bits >= 8) bytes[at++] = pool >> (bits -= 8);
  }
  const leftOver = pool & (1 << bits) - 1;
  return bits >= 5 || leftOver !== 0 ? undefined : bytes;
}
