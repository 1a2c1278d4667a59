/**
 * ChaCha20-Poly1305 (RFC 8439) as Noise numbers its nonces: the cipher of a link.
 *
 * Why this one and not AES-256-GCM: the link core is synchronous, so WebCrypto is out,
 * and every runtime must bear the cipher that one of them lacks. Measured with
 * `test/bench/aead.ts`, µs for one 16 KiB packet sealed (64 B in brackets):
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
import { type NativeCrypto, nativeCrypto } from "./native.ts";

/** Bytes of a key. */
export const KEY_SIZE = 32;
/** Bytes that sealing adds. */
export const TAG_SIZE = 16;
const NONCE_SIZE = 12;
const NAME = "chacha20-poly1305";

/** One key's cipher. Never seal twice under one counter: it would give both plaintexts away. */
export interface Cipher {
  /**
   * Ciphertext ‖ tag, written into `into` (exactly `plaintext.length + TAG_SIZE` bytes,
   * quickest when 4-byte aligned) or into new bytes. `plaintext` may be where `into` begins:
   * it is sealed in place then. `counter` is 0 … 2^53−1.
   */
  seal(counter: number, ad: Uint8Array, plaintext: Uint8Array, into?: Uint8Array): Uint8Array;
  /** The plaintext in new bytes, or `undefined` when the sender did not seal exactly this. MUST NOT throw. */
  open(counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Overwrites the key. Later calls to `open` answer `undefined`; later calls to `seal` throw. */
  forget(): void;
}

/** Makes a cipher of a 32-byte key, which it copies. */
export type Aead = (key: Uint8Array) => Cipher;

/** RFC 8439 §2.8 with a nonce of 12 bytes: what an implementation must give. */
export interface ChaCha {
  /** Fills `into`, whose first bytes may be the plaintext. */
  seal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): void;
  /** The plaintext in new bytes; throws when the tag is wrong. `sealed` holds a tag at least. */
  open(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array;
}

/** 32 zero bits ‖ the counter, little-endian (Noise revision 34, §12.3). */
function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_SIZE);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, counter >>> 0, true);
  view.setUint32(8, Math.floor(counter / 0x1_0000_0000), true);
  return nonce;
}

/** The contract of {@link Cipher} on any implementation. */
function keyed({ seal, open }: ChaCha): Aead {
  return (given) => {
    if (given.length !== KEY_SIZE) {
      throw new RangeError(`a key has ${KEY_SIZE} bytes, this one ${given.length}`);
    }
    let key: Uint8Array | undefined = given.slice();
    return {
      seal(counter, ad, plaintext, into = new Uint8Array(plaintext.length + TAG_SIZE)) {
        if (key === undefined) throw new TypeError("this key was forgotten: make a new handshake");
        if (into.length !== plaintext.length + TAG_SIZE) {
          throw new RangeError(
            `sealing needs ${plaintext.length + TAG_SIZE} bytes of room, got ${into.length}`,
          );
        }
        seal(key, nonceOf(counter), ad, plaintext, into);
        return into;
      },
      open(counter, ad, sealed) {
        if (key === undefined || sealed.length < TAG_SIZE) return undefined;
        try {
          return open(key, nonceOf(counter), ad, sealed);
        } catch {
          return undefined;
        }
      },
      forget() {
        key?.fill(0);
        key = undefined;
      },
    };
  };
}

/** Pure JavaScript: works everywhere. */
export const nobleChaCha: ChaCha = {
  seal: (key, nonce, ad, plaintext, into) => void chacha20poly1305(key, nonce, ad).encrypt(plaintext, into),
  open: (key, nonce, ad, sealed) => chacha20poly1305(key, nonce, ad).decrypt(sealed),
};
/** {@link nobleChaCha} as a cipher. */
export const nobleAead: Aead = keyed(nobleChaCha);

function chaChaOn(crypto: NativeCrypto): ChaCha {
  const options = { authTagLength: TAG_SIZE };
  return {
    seal(key, nonce, ad, plaintext, into) {
      const step = crypto.createCipheriv(NAME, key, nonce, options);
      step.setAAD(ad, { plaintextLength: plaintext.length });
      into.set(step.update(plaintext));
      step.final();
      into.set(step.getAuthTag(), plaintext.length);
    },
    open(key, nonce, ad, sealed) {
      const size = sealed.length - TAG_SIZE;
      const step = crypto.createDecipheriv(NAME, key, nonce, options);
      step.setAAD(ad, { plaintextLength: size });
      step.setAuthTag(sealed.subarray(size));
      const { buffer, byteOffset, length } = step.update(sealed.subarray(0, size));
      step.final();
      return new Uint8Array(buffer, byteOffset, length);
    },
  };
}

/** Seals as the pure one does, and refuses what was tampered with: a runtime that ignored tags would be worse than none. */
function works(aead: Aead): boolean {
  const key = Uint8Array.from({ length: KEY_SIZE }, (_, index) => index);
  const ad = key.subarray(0, 13);
  const cipher = aead(key);
  try {
    const sealed = cipher.seal(2 ** 40 + 1, ad, key);
    const expected = nobleAead(key).seal(2 ** 40 + 1, ad, key);
    const opened = cipher.open(2 ** 40 + 1, ad, sealed);
    const same = sealed.every((byte, index) => byte === expected[index]);
    sealed[sealed.length - 1]! ^= 1;
    return same && opened?.join() === key.join() && cipher.open(2 ** 40 + 1, ad, sealed) === undefined;
  } catch {
    return false;
  }
}

/** The runtime's own, or `undefined` where it has none that works (browsers, Bun 1.4). */
export function nativeChaCha(crypto: NativeCrypto | undefined = nativeCrypto): ChaCha | undefined {
  if (crypto?.createCipheriv === undefined) return undefined;
  const chacha = chaChaOn(crypto);
  return works(keyed(chacha)) ? chacha : undefined;
}

/** {@link nativeChaCha} as a cipher. */
export function nativeAead(crypto: NativeCrypto | undefined = nativeCrypto): Aead | undefined {
  const chacha = nativeChaCha(crypto);
  return chacha && keyed(chacha);
}

/**
 * The quicker one of this runtime.
 *
 * @example
 * ```ts
 * const cipher = defaultAead(key);
 * const sealed = cipher.seal(0, ad, plaintext);
 * cipher.open(0, ad, sealed); // plaintext
 * cipher.open(1, ad, sealed); // undefined
 * ```
 */
export const defaultAead: Aead = keyed({
  seal: (key, nonce, ad, plaintext, into) => chosen.seal(key, nonce, ad, plaintext, into),
  open: (key, nonce, ad, sealed) => chosen.open(key, nonce, ad, sealed),
});

const quickest: ChaCha = nativeChaCha() ?? nobleChaCha;
let chosen = quickest;

/** For simulators, which pay for thousands of peers: `undefined` goes back to the real cipher. Never in a program that talks to others. */
export function substituteChaCha(implementation: ChaCha | undefined): void {
  chosen = implementation ?? quickest;
}
