/**
 * Stand-ins for the cryptography of links, behind the ports that X25519 and ChaCha20-Poly1305 fill:
 * Diffie-Hellman modulo a prime of 61 bits, and a cipher that checks a keyed hash over everything.
 * Whoever lacks a secret gets another key, a changed bit is noticed, a counter used for another
 * packet as well; it is no cryptography.
 *
 * @module
 */
import type { RawAead } from "../../src/link/aead.ts";
import { TAG_SIZE } from "../../src/link/aead.ts";
import { type Dh, DH_SIZE } from "../../src/link/x25519.ts";
import { keyedHash, same, wordAt } from "./stand_in.ts";

/** 2^61 − 1 is prime. */
const PRIME = 2n ** 61n - 1n;
const GENERATOR = 37n;
const NOTHING = new Uint8Array(DH_SIZE);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let left = exponent, square = base; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}

/** 8 bytes of number, and the rest a hash of them: 32 bytes are one key only if they belong together. */
function keyOf(number: bigint): Uint8Array {
  const key = new Uint8Array(DH_SIZE);
  new DataView(key.buffer).setBigUint64(0, number);
  key.set(keyedHash(NOTHING, key.subarray(0, 8)).subarray(0, DH_SIZE - 8), 8);
  return key;
}

const wordOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
const exponentOf = (secret: Uint8Array) => wordOf(keyedHash(secret, NOTHING)) >> 4n;

export const standInDh: Dh = {
  publicKey: (secret) => keyOf(power(GENERATOR, exponentOf(secret))),
  agree(secret, theirs) {
    const number = wordOf(theirs);
    if (number < 2n || number >= PRIME || !same(keyOf(number), theirs)) return undefined;
    return keyedHash(keyOf(power(number, exponentOf(secret))), NOTHING, DH_SIZE);
  },
};

export const standInChaCha: RawAead = {
  seal(key, nonce, ad, plaintext, into) {
    mask(key, nonce, plaintext, into);
    into.set(tagOf(key, nonce, ad, into.subarray(0, plaintext.length)), plaintext.length);
  },
  open(key, nonce, ad, sealed) {
    const text = sealed.subarray(0, sealed.length - TAG_SIZE);
    if (!same(tagOf(key, nonce, ad, text), sealed.subarray(text.length))) throw new Error("the tag is wrong");
    const plaintext = new Uint8Array(text.length);
    mask(key, nonce, text, plaintext);
    return plaintext;
  },
};

/** xorshift (Marsaglia, 2003) from a seed of key and nonce: its stream over `from`. */
function mask(key: Uint8Array, nonce: Uint8Array, from: Uint8Array, into: Uint8Array): void {
  let word = wordAt(keyedHash(key, nonce, 4), 0) | 1;
  for (let at = 0; at < from.length; at++) {
    if ((at & 3) === 0) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
    }
    into[at] = from[at]! ^ (word >>> 8 * (at & 3));
  }
}

function tagOf(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, text: Uint8Array): Uint8Array {
  return keyedHash(keyedHash(keyedHash(key, nonce, 32), ad, 32), text, TAG_SIZE);
}
