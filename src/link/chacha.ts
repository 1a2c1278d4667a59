/**
 * ChaCha20-Poly1305 (RFC 8439) as Noise numbers its nonces: the cipher of every handshake,
 * and of packets unless both ends bear a quicker one (`ciphers.ts`).
 *
 * Why this one is what everybody bears: the link core is synchronous, so WebCrypto is out.
 * Measured with `test/bench/aead.ts`, µs for one 16 KiB packet sealed (64 B in brackets):
 *
 * |                    | Node     | Deno     | Bun      | browser  |
 * | ------------------ | -------- | -------- | -------- | -------- |
 * | ChaCha20-Poly1305  | 11 (5)   | 15 (6)   | 119 (7)  | ~100 (8) |
 * | AES-256-GCM        | 11 (4)   | 99 (4)   | 5 (1)    | 383 (18) |
 *
 * Node and Deno run it in OpenSSL, Bun (whose `node:crypto` lacks it) and browsers in
 * @noble/ciphers. Its worst case costs a third of AES-GCM's, and pure JavaScript
 * ChaCha runs in constant time, which table-driven AES does not. Native wins at every
 * size measured, 16 B to 64 KiB, so the choice is made once and not per packet.
 *
 * @module
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Aead, keyed, type RawAead } from "./aead.ts";
import { nativeAead, type NativeCrypto } from "./native.ts";

/** What {@link nativeAead} asks for. */
const EXPECTED = "63c909a96b447ce11f2916314bc044c12c76f68aa3664a046ff792058175f318" +
  "ff2295917f7657b14a4432a9d5dbcf11";

/** Pure JavaScript: works everywhere. */
export const nobleChaCha: RawAead = {
  seal: (key, nonce, ad, plaintext, into) => void chacha20poly1305(key, nonce, ad).encrypt(plaintext, into),
  open: (key, nonce, ad, sealed) => chacha20poly1305(key, nonce, ad).decrypt(sealed),
};

/** The runtime's own, or `undefined` where it has none that works (browsers, Bun 1.4). */
export function nativeChaCha(crypto?: NativeCrypto): RawAead | undefined {
  return nativeAead("chacha20-poly1305", ofChaCha, EXPECTED, crypto);
}

/** As a cipher of Noise. */
export function ofChaCha(raw: RawAead): Aead {
  return keyed(raw, true);
}

const native: RawAead | undefined = nativeChaCha();

/** Whether this runtime has one of its own. */
export const isChaChaNative: boolean = native !== undefined;

/**
 * The quicker one of this runtime.
 *
 * @example
 * ```ts
 * const cipher = chaChaPoly(key);
 * const sealed = cipher.seal(0, ad, plaintext);
 * cipher.open(0, ad, sealed); // plaintext
 * cipher.open(1, ad, sealed); // undefined
 * ```
 */
export const chaChaPoly: Aead = ofChaCha(native ?? nobleChaCha);
