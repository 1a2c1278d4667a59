/**
 * Stand-ins for the two costly parts of the cryptography, behind the ports that the real ones fill.
 *
 * Signatures: a keyed hash instead of Ed25519, verified with the secret that belongs to the public
 * key. Nobody in the simulator who lacks a key's seed can make one, and a changed bit is noticed; it
 * is no cryptography. Public keys are genuine points of the curve. Every operation ends at a virtual
 * instant of the seed's choosing.
 *
 * @module
 */
import { nobleEd25519 } from "../../src/identity/pure_ed25519.ts";
import type { Ed25519, SigningKey, Verifier } from "../../src/identity/ed25519_port.ts";
import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import type { Identity } from "../../src/identity/identity.ts";
import { Dice } from "./dice.ts";
import type { Timeline } from "./timeline.ts";

/** Public keys cost half a millisecond: each is made once in a process. */
const publicKeys = new Map<string, Uint8Array>();

function publicKeyOf(seed: Uint8Array): Uint8Array {
  const name = seed.join();
  const known = publicKeys.get(name) ?? (nobleEd25519.importSeed(seed) as SigningKey).publicKey;
  publicKeys.set(name, known);
  return known;
}

/**
 * Keyed hash of up to 64 bytes: four lanes of multiplications over words of four bytes, the finaliser of
 * MurmurHash3. It is made a million times a run, so it takes no byte twice and no view.
 */
export function keyedHash(seed: Uint8Array, bytes: Uint8Array, size: number = 64): Uint8Array {
  let a = wordAt(seed, 0);
  let b = wordAt(seed, 4);
  let c = wordAt(seed, 8);
  let d = wordAt(seed, 12);
  for (let at = 0; at < bytes.length; at += 4) {
    const word = wordAt(bytes, at);
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ a ^ (a >>> 15), 0x85ebca6b);
    c = Math.imul(c ^ word ^ (b >>> 13), 0xc2b2ae35);
    d = Math.imul(d ^ c ^ (c >>> 16), 0x9e3779b1);
  }
  const words = new Int32Array(size >> 2);
  let state = bytes.length ^ wordAt(seed, 16);
  for (let i = 0; i < words.length; i++) {
    const lane = (i & 3) === 0 ? a : (i & 3) === 1 ? b : (i & 3) === 2 ? c : d;
    state = mix(state ^ lane ^ wordAt(seed, 16 + 4 * (i & 3))) + 4 * i;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

/** Little-endian; past the end are zeros. */
export function wordAt(bytes: Uint8Array, at: number): number {
  if (at + 4 <= bytes.length) {
    return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
  }
  let word = 0;
  for (let i = bytes.length - 1; i >= at; i--) word = word << 8 | bytes[i]!;
  return word;
}

/** Whether two have the same bytes. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Identities of one run, and the implementation that knows them. */
export class StandIn implements Ed25519 {
  readonly name = "stand-in";
  signed = 0;
  verified = 0;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #seeds = new Map<PeerId, Uint8Array>();

  constructor(timeline: Timeline, dice: Dice) {
    this.#timeline = timeline;
    this.#dice = dice;
  }

  /** The identity with this number: the same key in every run. */
  identity(number: number): Identity {
    const { publicKey, sign } = this.importSeed(new Dice(number).bytes(32));
    return { id: peerIdText(publicKey), publicKey, sign: async (bytes) => await sign(bytes) };
  }

  importSeed(seed: Uint8Array): SigningKey {
    const publicKey = publicKeyOf(seed);
    this.#seeds.set(peerIdText(publicKey), seed);
    return {
      publicKey,
      sign: (bytes) => {
        this.signed++;
        return this.#later(keyedHash(seed, bytes));
      },
    };
  }

  importPublicKey(key: Uint8Array): Verifier {
    const id = peerIdText(key);
    return (bytes, signature) => {
      this.verified++;
      return this.#later(this.isGenuine(id, bytes, signature));
    };
  }

  /** At once, for those who look on. */
  isGenuine(id: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const seed = this.#seeds.get(id);
    return seed !== undefined && same(keyedHash(seed, bytes), signature);
  }

  /** 0.05 … 0.4 ms, and 5 ms where a thread was busy. */
  #later<T>(value: T): Promise<T> {
    const dice = this.#dice;
    const delay = dice.chance(0.01) ? 5 : dice.between(0.05, 0.4);
    return new Promise((resolve) => void this.#timeline.after(delay, () => resolve(value)));
  }
}
