/**
 * Which cipher seals the packets of a link. Handshakes are always sealed with ChaCha20-Poly1305;
 * within them, where nobody else can read or alter it, the initiator says what it bears and the
 * responder what it chose. So two peers have AES-256-GCM where that spares one of them pure
 * JavaScript: 5 µs instead of 119 for 16 KiB on Bun.
 *
 * @module
 */
import type { Aead } from "./aead.ts";
import { aesGcm } from "./aes_gcm.ts";
import { chaChaPoly, isChaChaNative } from "./chacha.ts";

/** As a greeting and its answer number them. */
export const CipherId = { chaChaPoly: 0, aesGcm: 1 } as const;
export type CipherId = (typeof CipherId)[keyof typeof CipherId];

/** What a process bears, what it would rather have first. {@link CipherId.chaChaPoly} is always among them. */
export type Ciphers = readonly CipherId[];

/** Whoever says nothing else. */
export const CHACHA_ALONE: Ciphers = [CipherId.chaChaPoly];

/** What this runtime bears: without a ChaCha20 of its own it would rather have AES. */
export const OWN_CIPHERS: Ciphers = preference(isChaChaNative, aesGcm !== undefined);

/** {@link OWN_CIPHERS} of a runtime that has these two, or not. */
export function preference(chaCha: boolean, aes: boolean): Ciphers {
  if (!aes) return CHACHA_ALONE;
  return chaCha ? [CipherId.chaChaPoly, CipherId.aesGcm] : [CipherId.aesGcm, CipherId.chaChaPoly];
}

/** AES where both bear it and one of them would rather have it: what is slow at one end is slow for both. */
export function agreeOn(a: Ciphers, b: Ciphers): CipherId {
  const { chaChaPoly, aesGcm } = CipherId;
  const both = a.includes(aesGcm) && b.includes(aesGcm);
  return both && (a[0] === aesGcm || b[0] === aesGcm) ? aesGcm : chaChaPoly;
}

/** A cipher, and how much one key of it may seal before it throws. */
export interface Sealing {
  readonly aead: Aead;
  /** Packets. */
  readonly maxPackets: number;
  /** Bytes of plaintext. */
  readonly maxBytes: number;
}

/**
 * Twelve days at a million packets a second, a thousandfold above `REKEY_PACKETS` and 2^13 below
 * the end of exact counters. ChaCha20 itself sets no lower bound (RFC 9001 §6.6).
 */
export const CHACHA_PACKETS: number = 2 ** 40;
/**
 * For an advantage of 2^-60 AES-GCM may seal 2^34.5 blocks of 16 bytes under one key (RFC 8446 §5.5,
 * 2^24.5 records of 2^14 bytes): these bytes are 2^34 blocks, these packets as many beside them for
 * tags and broken blocks as the quarter that is left.
 */
export const AES_BYTES: number = 2 ** 38;
export const AES_PACKETS: number = 2 ** 32;

/** For AES only where {@link OWN_CIPHERS} has it. */
export function sealingOf(cipher: CipherId): Sealing {
  return cipher === CipherId.aesGcm
    ? { aead: aesGcm!, maxPackets: AES_PACKETS, maxBytes: AES_BYTES }
    : { aead: chaChaPoly, maxPackets: CHACHA_PACKETS, maxBytes: Infinity };
}
