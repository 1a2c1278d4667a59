/**
 * PeerId: an ed25519 public key as 52 letters of lowercase unpadded base32 (RFC 4648 §6).
 * Who has the id can verify the peer's signatures without asking anybody.
 *
 * @module
 */
import { decodeBase32, encodeBase32 } from "./base32.ts";
import { invalidKey } from "./key_check.ts";

/** Letters of an id: 256 bits, five a letter, four zero bits at the end. */
const ID_LENGTH = 52;

/**
 * The text form of a peer's public key, checked: a string that may be a key of a `Map`,
 * JSON, a path of a URL or a DNS label. Two ids are equal (`===`) exactly if the keys are.
 */
export type PeerId = string & { readonly __peerId: true };

/**
 * Reads an id that a person or a program wrote. Upper case is accepted; spaces are not.
 *
 * @throws {TypeError} saying what is wrong. Of random single-letter errors 15 of 16 are
 * noticed, because few 32-byte strings are keys; the rest give another peer's id.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.throws(() => parsePeerId("alice"), /52 letters, this has 5/);
 * ```
 */
export function parsePeerId(text: string): PeerId {
  const read = readPeerId(text);
  if (typeof read === "string") return read;
  throw new TypeError(`not a PeerId: ${read.error}`);
}

/** As {@link parsePeerId}, with `undefined` instead of an exception: for text from strangers. */
export function tryPeerId(text: string): PeerId | undefined {
  const read = readPeerId(text);
  return typeof read === "string" ? read : undefined;
}

/**
 * The id of a public key.
 *
 * @throws {TypeError} if `key` is no valid ed25519 public key (see `invalidKey`).
 */
export function peerIdFromBytes(key: Uint8Array): PeerId {
  const reason = invalidKey(key);
  if (reason !== undefined) throw new TypeError(`not an ed25519 public key: ${reason}`);
  return peerIdText(key);
}

/** The id of a key that was checked before; does not look at it again. */
export function peerIdText(key: Uint8Array): PeerId {
  return encodeBase32(key) as PeerId;
}

/** The 32-byte public key, a fresh copy. */
export function peerIdBytes(id: PeerId): Uint8Array {
  return decodeBase32(id)!;
}

/**
 * Orders ids as their bytes: negative, 0 or positive. (`<` on the text gives another
 * order, because in ASCII the digits 2–7 come before the letters.)
 */
export function comparePeerIds(a: PeerId, b: PeerId): number {
  for (let i = 0; i < ID_LENGTH; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Digits after letters, as in the alphabet. */
function rank(code: number): number {
  return code < 0x61 ? code + 0x80 : code;
}

function readPeerId(text: string): PeerId | { error: string } {
  if (typeof text !== "string") return { error: `expected a string, got ${typeof text}` };
  if (text.length !== ID_LENGTH) return { error: wrongLength(text) };
  const at = text.search(/[^a-zA-Z2-7]/);
  if (at >= 0) return { error: wrongLetter(text, at) };
  const lower = text.toLowerCase();
  const key = decodeBase32(lower);
  if (key === undefined) {
    return { error: `it ends in "${lower.at(-1)}", ids end in "a" or "q": ${ONE_IS_WRONG}` };
  }
  const reason = invalidKey(key);
  return reason === undefined ? lower as PeerId : { error: `${reason}: ${ONE_IS_WRONG}` };
}

const ONE_IS_WRONG = "at least one letter is wrong, copy the id again";

function wrongLength(text: string): string {
  const spaces = /\s/.test(text) ? ", spaces included: remove them" : ": copy the whole id";
  return `an id has ${ID_LENGTH} letters, this has ${text.length}${spaces}`;
}

function wrongLetter(text: string, at: number): string {
  const letter = JSON.stringify(String.fromCodePoint(text.codePointAt(at)!));
  return `${letter} at position ${at + 1} does not occur in ids (a–z and 2–7 do)`;
}
