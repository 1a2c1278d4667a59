/**
 * Noise's symmetric state (revision 34, §5.1 and §5.2): a running hash of everything
 * said, and keys that depend on everything agreed.
 *
 * @module
 */
import type { Aead, Cipher } from "./aead.ts";
import { chaChaPoly } from "./chacha.ts";
import { hash, hkdf } from "./hkdf.ts";

const NOTHING = new Uint8Array();

/** Copy it before reading a message that may be forged: reading changes it. */
export class SymmetricState {
  readonly #aead: Aead;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #key: Uint8Array | undefined;
  #cipher: Cipher | undefined;
  #counter = 0;

  constructor(protocolName: string, aead: Aead = chaChaPoly) {
    const name = new TextEncoder().encode(protocolName);
    this.#aead = aead;
    this.#hash = name.length > 32 ? hash(name) : new Uint8Array(32);
    if (name.length <= 32) this.#hash.set(name);
    this.#chainingKey = this.#hash.slice();
  }

  /** An independent copy. */
  copy(): SymmetricState {
    const copy = new SymmetricState("", this.#aead);
    copy.#chainingKey = this.#chainingKey.slice();
    copy.#hash = this.#hash;
    copy.#setKey(this.#key?.slice());
    copy.#counter = this.#counter;
    return copy;
  }

  #setKey(key: Uint8Array | undefined): void {
    this.#cipher?.forget();
    this.#key?.fill(0);
    this.#key = key;
    this.#cipher = key && this.#aead(key);
    this.#counter = 0;
  }

  /** Identifies all that was said so far; both sides' agree, or one was lied to. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = hash(this.#hash, data);
  }

  /** Takes in a shared secret and erases it. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, secret);
    secret.fill(0);
    this.#chainingKey.fill(0);
    this.#chainingKey = chainingKey;
    this.#setKey(key);
  }

  /** Sealed under the hash so far, so a message only opens in the conversation it was said in. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.seal(this.#counter++, this.#hash, plaintext) ?? plaintext.slice();
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher ? this.#cipher.open(this.#counter++, this.#hash, sealed) : sealed.slice();
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** The transport keys, the initiator's sending key first. Ends this state: its own keys are erased. */
  split(): [Uint8Array, Uint8Array] {
    const keys = hkdf(this.#chainingKey, NOTHING);
    this.forget();
    return keys;
  }

  forget(): void {
    this.#chainingKey.fill(0);
    this.#setKey(undefined);
  }
}
