/**
 * X25519 (RFC 7748): link keys and the Diffie-Hellman function of Noise.
 *
 * Measured, µs for one agreement, native / pure JavaScript: Node 81 / 1006, Bun 50 / 355, Deno 73 / 401
 * (`test/bench/aead.ts`). A handshake does four on each side, so native where it works.
 *
 * @module
 */
import { nativeDh } from "./native.ts";
import { type Dh, DH_SIZE, nobleDh } from "./x25519.ts";

/** An X25519 key of one process: made at its start, dead at its end, never stored. */
export interface KeyPair {
  /** 32 bytes, certified by the peer's signed record. */
  publicKey: Uint8Array;
  /** 32 bytes. */
  secretKey: Uint8Array;
}

/** Fills with unpredictable bytes: a parameter, so that tests can turn it. */
export type Random = (size: number) => Uint8Array;

/** The platform's secure generator. */
export const secureRandom: Random = (size) => crypto.getRandomValues(new Uint8Array(size));

/** The quicker one of this runtime. */
export const defaultDh: Dh = nativeDh(nobleDh) ?? nobleDh;

let chosen = defaultDh;

/** For simulators, which pay for thousands of peers: `undefined` goes back to X25519. Never in a program that talks to others. */
export function substituteDh(implementation: Dh | undefined): void {
  chosen = implementation ?? defaultDh;
}

/**
 * The secret that `secret` shares with the owner of `theirs`, or `undefined` for a
 * public key of small order or of a wrong length.
 */
export function dh(secret: Uint8Array, theirs: Uint8Array): Uint8Array | undefined {
  return theirs.length === DH_SIZE ? chosen.agree(secret, theirs) : undefined;
}

/** The key pair of a 32-byte secret. Throws RangeError for another length. */
export function keyPairOf(secretKey: Uint8Array): KeyPair {
  if (secretKey.length !== DH_SIZE) {
    throw new RangeError(`an X25519 secret has ${DH_SIZE} bytes, this one ${secretKey.length}`);
  }
  return { publicKey: chosen.publicKey(secretKey), secretKey };
}

/**
 * A fresh link key.
 *
 * @example
 * ```ts
 * const mine = generateLinkKey(), yours = generateLinkKey();
 * dh(mine.secretKey, yours.publicKey); // the same 32 bytes as
 * dh(yours.secretKey, mine.publicKey);
 * ```
 */
export function generateLinkKey(random: Random = secureRandom): KeyPair {
  return keyPairOf(random(DH_SIZE));
}
