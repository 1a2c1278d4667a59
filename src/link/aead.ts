/**
 * What a cipher of a link is: an AEAD with a key of 32 bytes, a tag of 16 and Noise's
 * numbered nonces. `chacha.ts` and `aes_gcm.ts` are two of them, `ciphers.ts` chooses.
 *
 * @module
 */
/** Bytes of a key. */
export const KEY_SIZE = 32;
/** Bytes that sealing adds. */
export const TAG_SIZE = 16;
const NONCE_SIZE = 12;

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

/** An AEAD with a nonce of 12 bytes: what an implementation must give. */
export interface RawAead {
  /** Fills `into`, whose first bytes may be the plaintext. */
  seal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, into: Uint8Array): void;
  /** The plaintext in new bytes; throws when the tag is wrong. `sealed` holds a tag at least. */
  open(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array;
}

/** The contract of {@link Cipher} on any implementation. Noise has ChaChaPoly's counters little-endian, and AESGCM's not. */
export function keyed(raw: RawAead, littleEndian: boolean): Aead {
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
        (standIn ?? raw).seal(key, nonceOf(counter, littleEndian), ad, plaintext, into);
        return into;
      },
      open(counter, ad, sealed) {
        if (key === undefined || sealed.length < TAG_SIZE) return undefined;
        try {
          return (standIn ?? raw).open(key, nonceOf(counter, littleEndian), ad, sealed);
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

const TWO_32 = 0x1_0000_0000;

/** 32 zero bits ‖ the counter (Noise revision 34, §12.3 and §12.4). */
function nonceOf(counter: number, littleEndian: boolean): Uint8Array {
  const nonce = new Uint8Array(NONCE_SIZE);
  const view = new DataView(nonce.buffer);
  view.setUint32(littleEndian ? 4 : 8, counter >>> 0, littleEndian);
  view.setUint32(littleEndian ? 8 : 4, Math.floor(counter / TWO_32), littleEndian);
  return nonce;
}

let standIn: RawAead | undefined;

/** For simulators, which pay for thousands of peers: all ciphers are this one; `undefined` goes back to the real ones. Never in a program that talks to others. */
export function substituteCiphers(implementation: RawAead | undefined): void {
  standIn = implementation;
}
