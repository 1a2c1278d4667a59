/**
 * What this process shows of itself: its instance, its link key, and the signed record
 * that certifies both and says which nodes hold its sessions.
 *
 * @module
 */
import type { Identity } from "../identity/identity.ts";
import { OWN_CIPHERS } from "../link/ciphers.ts";
import type { Local } from "../link/greeting.ts";
import { generateLinkKey, type KeyPair, type Random } from "../link/dh.ts";
import type { Clock } from "../session/clock.ts";
import { compareBytes } from "../wire/cbor.ts";
import { CLOCK_SKEW, RECORD_LIFETIME, YOUNG } from "../wire/limits.ts";
import type { Hello, Key, SignedBytes } from "../wire/protocol.ts";
import { signRecord, verifyRecord } from "../wire/record.ts";

/** Clocks that differ by more are corrected by the first node's; less is nobody's concern. */
const CLOCK_TOLERANCE = 30_000;

/** Nodes may differ by less; what differs by more was set since, and nobody would take its records. */
const CLOCK_HOPELESS = CLOCK_SKEW - 43_200_000;

export class Passport {
  readonly identity: Identity;
  readonly instance: Uint8Array;
  readonly linkKey: KeyPair;
  /** The newest record. */
  record: SignedBytes | undefined;
  readonly #own: Clock;
  readonly #network: string;
  readonly #born: number;
  /** Monotonic. */
  readonly #bornAt: number;
  #started: number | undefined;
  #offset: number | undefined;
  #sequence = 0;

  constructor(identity: Identity, network: string, clock: Clock, random: Random) {
    this.instance = random(16);
    this.linkKey = generateLinkKey(random);
    this.identity = identity;
    this.#network = network;
    this.#own = clock;
    this.#born = clock.wall();
    this.#bornAt = clock.now();
  }

  /**
   * Milliseconds since 1970, by the first node's clock where this machine's is far off. The same clock ever
   * after: others know it from the records, and nodes differ.
   */
  wall(): number {
    return this.#own.wall() + (this.#offset ?? 0);
  }

  /** This machine's clock, but for {@link wall}. */
  get clock(): Clock {
    const own = this.#own;
    return {
      now: () => own.now(),
      wall: () => this.wall(),
      after: (delay, run) => own.after(delay, run),
      soon: own.soon && ((run) => own.soon!(run)),
    };
  }

  /** Whole milliseconds for which this process has lived. */
  get age(): number {
    return Math.floor(this.#own.now() - this.#bornAt);
  }

  get #start(): number {
    return this.#started ?? Math.floor(this.#born);
  }

  /** When this process began, by the first node's clock; the same ever after, unless it has to {@link outdo} another. */
  startedBy(hello: Hello): number {
    const difference = hello.time - this.#own.wall();
    if (this.#offset === undefined || Math.abs(difference - this.#offset) > CLOCK_HOPELESS) {
      this.#offset = Math.abs(difference) > CLOCK_TOLERANCE ? difference : 0;
    }
    this.#started ??= Math.floor(this.#born + this.#offset);
    return this.#started;
  }

  /**
   * Another process of this key, which is gone, said a later start. One as young as this is the newer all the
   * same, and says so from now on; an old one may have been replaced while it was away. Returns whether it does.
   */
  async outdo(signed: SignedBytes): Promise<boolean> {
    if (this.age > YOUNG) return false;
    const verdict = await verifyRecord(signed, { network: this.#network, now: this.wall() });
    if (verdict.error !== undefined) return false;
    const { record } = verdict;
    if (compareBytes(record.peer, this.identity.publicKey) !== 0) return false;
    if (compareBytes(record.instance, this.instance) === 0 || record.started < this.#start) return false;
    this.#started = record.started + 1;
    return true;
  }

  /** What links show of this process; there is a record before there is a link. */
  local(random: Random): Local {
    return {
      key: this.identity.publicKey,
      instance: this.instance,
      linkKey: this.linkKey,
      network: this.#network,
      ciphers: OWN_CIPHERS,
      random,
      record: () => this.record!,
      stamp: stamps(this.clock),
    };
  }

  /** A new record that names these nodes, home first. */
  async sign(nodes: Key[]): Promise<SignedBytes> {
    const issued = Math.floor(this.wall());
    const sequence = ++this.#sequence;
    const record = await signRecord(this.identity, {
      peer: this.identity.publicKey,
      instance: this.instance,
      started: this.#start,
      linkKey: this.linkKey.publicKey,
      nodes,
      sequence,
      issued,
      expires: issued + RECORD_LIFETIME,
      network: this.#network,
    });
    // Signatures may overtake each other: what is shown never gets older.
    if (sequence === this.#sequence || !this.record) this.record = record;
    return record;
  }
}

/** Wall-clock milliseconds, each larger than the one before. */
function stamps(clock: Clock): () => number {
  let last = 0;
  return () => last = Math.max(last + 1, Math.floor(clock.wall()));
}
