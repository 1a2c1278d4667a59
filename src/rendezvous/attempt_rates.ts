import type { NodeLimits } from "./node_limits.ts";
import { TokenBucket } from "../session/token_bucket.ts";

/** Milliseconds between two looks for buckets that are full again. */
const SWEEP = 10_000;

/**
 * How often a peer may ask for attempts, with one other and with all. Pure. What it
 * remembers of somebody is forgotten once it would not refuse anything any more.
 */
export class AttemptRates {
  readonly #limits: NodeLimits;
  readonly #peers = new Map<string, TokenBucket>();
  readonly #pairs = new Map<string, TokenBucket>();
  #sweepAt = Infinity;

  constructor(limits: NodeLimits) {
    this.#limits = limits;
  }

  /** When {@link sweep} should be called. */
  get due(): number {
    return this.#sweepAt;
  }

  get size(): number {
    return this.#peers.size + this.#pairs.size;
  }

  /** Takes one attempt of this peer and pair: 0, or the milliseconds after which that is possible. */
  take(peer: string, pair: string, now: number): number {
    const { attemptsPerMinute, attemptBurst, pairAttemptsPerMinute, pairAttemptBurst } = this.#limits;
    const ofPeer = bucket(this.#peers, peer, attemptBurst, now);
    const ofPair = bucket(this.#pairs, pair, pairAttemptBurst, now);
    if (this.#sweepAt === Infinity) this.#sweepAt = now + SWEEP;
    const wait = Math.max(
      ofPeer.wait(1, attemptsPerMinute / 60, attemptBurst, now),
      ofPair.wait(1, pairAttemptsPerMinute / 60, pairAttemptBurst, now),
    );
    if (wait > 0) return Math.ceil(wait);
    ofPeer.take(1, attemptsPerMinute / 60, attemptBurst, now);
    ofPair.take(1, pairAttemptsPerMinute / 60, pairAttemptBurst, now);
    return 0;
  }

  /** Forgets whoever may ask as often as one who never did. */
  sweep(now: number): void {
    if (now < this.#sweepAt) return;
    const { attemptsPerMinute, attemptBurst, pairAttemptsPerMinute, pairAttemptBurst } = this.#limits;
    forgetFull(this.#peers, attemptsPerMinute / 60, attemptBurst, now);
    forgetFull(this.#pairs, pairAttemptsPerMinute / 60, pairAttemptBurst, now);
    this.#sweepAt = this.size > 0 ? now + SWEEP : Infinity;
  }
}

function bucket(buckets: Map<string, TokenBucket>, name: string, burst: number, now: number): TokenBucket {
  const known = buckets.get(name);
  if (known !== undefined) return known;
  const fresh = new TokenBucket(burst, now);
  buckets.set(name, fresh);
  return fresh;
}

function forgetFull(buckets: Map<string, TokenBucket>, rate: number, burst: number, now: number): void {
  for (const [name, bucket] of buckets) if (bucket.wait(burst, rate, burst, now) === 0) buckets.delete(name);
}
