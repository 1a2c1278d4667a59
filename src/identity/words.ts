/**
 * Words by which two people make sure, by voice, that they see the same keys.
 *
 * Eight words are 64 bits, and each guess of a forger costs 4,096 hashes: to find another key with
 * the words of a given one takes 2^64 keys and 2^76 hashes on average. Who overlooks one wrong word
 * leaves a forger 2^65 hashes: the words are to be compared to the last.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { KEY_LENGTH } from "./key_check.ts";
import { WORDS } from "./words_list.ts";

/** Keeps this hash apart from every other use of SHA-256 on a key. */
const DOMAIN = new TextEncoder().encode("waymeet.1 words");
/** Hashes for one key: some ten milliseconds for us, 12 bits more work for a forger. */
const ROUNDS = 4096;
const COUNT = 8;

/**
 * The eight words of one key, for its owner to read aloud.
 *
 * @throws {TypeError} if `key` has another length than 32 bytes.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(safetyWords(new Uint8Array(32)).length, 8);
 * ```
 */
export function safetyWords(key: Uint8Array): string[] {
  if (key.length !== KEY_LENGTH) throw new TypeError(`a key has ${KEY_LENGTH} bytes, this has ${key.length}`);
  const block = new Uint8Array(2 * KEY_LENGTH); // the latest hash, then the key
  block.set(key, KEY_LENGTH);
  block.set(sha256.create().update(DOMAIN).update(key).digest());
  for (let round = 1; round < ROUNDS; round++) block.set(sha256(block));
  return Array.from(block.subarray(0, COUNT), (byte) => WORDS[byte]!);
}

/**
 * The sixteen words of a pair of keys, the same whichever side asks.
 *
 * They are each key's own eight, put in alphabetical order of the two. One hash over both keys
 * would be shorter and weak: somebody in the middle shows each side a key of his own, and among
 * 2^32 of either kind two pairs with equal words are found by the birthday paradox.
 *
 * @throws {TypeError} if a key has another length than 32 bytes.
 */
export function pairWords(a: Uint8Array, b: Uint8Array): string[] {
  const [first, second] = [safetyWords(a), safetyWords(b)];
  return first.join(" ") <= second.join(" ") ? [...first, ...second] : [...second, ...first];
}
