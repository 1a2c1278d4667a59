/**
 * Identities: who signs. The identity key only ever signs (protocol rule 1), so it may
 * live in WebCrypto as a non-extractable key, in an agent, or in hardware.
 *
 * @module
 */
import { ed25519 } from "./ed25519.ts";
import type { Ed25519, SigningKey, Verifier } from "./ed25519_port.ts";
import { type PeerId, peerIdText } from "./peer_id.ts";
import { Recent } from "./recent.ts";

/** What a peer or node needs of its key. */
export interface Identity {
  readonly id: PeerId;
  /** 32 bytes; MUST NOT be changed. */
  readonly publicKey: Uint8Array;
  /** The ed25519 signature (RFC 8032 §5.1.6) of exactly these bytes, 64 bytes. MUST NOT change `bytes`. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** An identity whose secret can be stored elsewhere. Neither `JSON.stringify` nor `console.log` shows the seed. */
export interface ExportableIdentity extends Identity {
  /** The 32-byte secret (RFC 8032 §5.1.5), a fresh copy. Who has it is this peer. */
  readonly seed: Uint8Array;
}

/**
 * Makes a new identity from the system's randomness.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const alice = await generateIdentity();
 * const bytes = new TextEncoder().encode("hello");
 * assert(await verify(alice.publicKey, bytes, await alice.sign(bytes)));
 * ```
 */
export function generateIdentity(): Promise<ExportableIdentity> {
  return identityFromSeed(crypto.getRandomValues(new Uint8Array(SEED_LENGTH)));
}

/**
 * The identity of a stored seed.
 *
 * @throws {TypeError} if `seed` has another length than 32 bytes.
 */
export async function identityFromSeed(seed: Uint8Array): Promise<ExportableIdentity> {
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_LENGTH) {
    throw new TypeError(
      `an identity's seed is a Uint8Array of ${SEED_LENGTH} bytes, this has ${seed?.length}`,
    );
  }
  const own = seed.slice();
  return new SeedIdentity(own, await (await ed25519()).importSeed(own));
}

/**
 * Whether `signature` is the key's over exactly these bytes. Never throws: what has a wrong
 * length is no signature.
 *
 * `publicKey` MUST have passed `invalidKey` once. Otherwise a key of small order verifies
 * anything on some runtimes.
 */
export async function verify(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const implementation = await ed25519();
    const verifiers = verifiersOf(implementation);
    const id = peerIdText(publicKey);
    let verifier = verifiers.get(id);
    if (verifier === undefined) {
      verifier = await implementation.importPublicKey(publicKey);
      verifiers.set(id, verifier);
    }
    return await verifier(bytes, signature);
  } catch {
    return false;
  }
}

const SEED_LENGTH = 32;

class SeedIdentity implements ExportableIdentity {
  readonly id: PeerId;
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #key: SigningKey;

  constructor(seed: Uint8Array, key: SigningKey) {
    this.id = peerIdText(key.publicKey);
    this.publicKey = key.publicKey;
    this.#seed = seed;
    this.#key = key;
  }
  get seed(): Uint8Array {
    return this.#seed.slice();
  }
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    return await this.#key.sign(bytes);
  }
}

/** Importing a key costs about as much as verifying: the latest ones are kept, about 1 KiB each. */
const CACHED = 1_024;
const caches = new WeakMap<Ed25519, Recent<Verifier>>();

function verifiersOf(implementation: Ed25519): Recent<Verifier> {
  const known = caches.get(implementation) ?? new Recent<Verifier>(CACHED);
  caches.set(implementation, known);
  return known;
}
