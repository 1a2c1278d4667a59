/**
 * How many answers one source gets: what bounds a forged source, because then the answers go to
 * somebody who never asked.
 *
 * The generic cell rate algorithm (ITU-T I.371): for each source the time at which its bucket is
 * full again, one number. Sources are IPv4 addresses and IPv6 /64 prefixes, because whoever has one IPv6
 * address has the other 2^64 of its network, too.
 *
 * @module
 */
import { Recent } from "../identity/recent.ts";
import type { TransportAddress } from "./address.ts";

export interface SourceLimits {
  /** Answers a second to one source in the long run. */
  perSecond: number;
  /** Answers at once to a source that was silent. */
  burst: number;
  /** Answers a second to all together: bounds the node's CPU and what its line emits. */
  totalPerSecond: number;
  /** Sources remembered. */
  sources: number;
}

/**
 * 50 a second serve the users behind one address of a carrier's NAT (a WebRTC peer asks about twice for
 * each path it seeks); to a victim they are 2.2 kB/s at most. 16,384 sources × about 100 bytes = 1.6 MB. An
 * answer takes 12–46 µs, so 2,000 a second are at most a tenth of a core.
 */
export const SOURCE_LIMITS: SourceLimits = {
  perSecond: 50,
  burst: 100,
  totalPerSecond: 2_000,
  sources: 16_384,
};

export class SourceLimit {
  readonly #limits: SourceLimits;
  /** When each source's bucket is full again, milliseconds. */
  readonly #full: Recent<number>;
  #totalFull = -Infinity;

  constructor(limits: SourceLimits = SOURCE_LIMITS) {
    this.#limits = limits;
    this.#full = new Recent(limits.sources);
  }

  /** Sources remembered now. */
  get size(): number {
    return this.#full.size;
  }

  /** Whether this source gets an answer at `now` (monotonic milliseconds), and if not, whose fault it is. */
  take(source: TransportAddress, now: number): "granted" | "rate" | "total" {
    const { perSecond, burst, totalPerSecond } = this.#limits;
    const key = sourceKey(source);
    const before = this.#full.get(key);
    const own = spent(before ?? -Infinity, now, perSecond, burst);
    if (own === undefined) return "rate";
    const total = spent(this.#totalFull, now, totalPerSecond, totalPerSecond);
    if (total === undefined || before === undefined && !this.#hasRoom(now)) return "total";
    this.#totalFull = total;
    this.#full.set(key, own);
    return "granted";
  }

  /** Whether {@link take} would answer "rate". Nothing is taken. */
  isSpent(source: TransportAddress, now: number): boolean {
    const { perSecond, burst } = this.#limits;
    return spent(this.#full.get(sourceKey(source)) ?? -Infinity, now, perSecond, burst) === undefined;
  }

  /** A bucket that is full needs no memory: the one that was asked for longest ago makes room if it is. */
  #hasRoom(now: number): boolean {
    return this.#full.size < this.#limits.sources || this.#full.oldest! <= now;
  }
}

/** The bucket's new time, or `undefined` when it is empty. */
function spent(full: number, now: number, perSecond: number, burst: number): number | undefined {
  const after = Math.max(full, now) + 1_000 / perSecond;
  return after - now > burst * 1_000 / perSecond + 1e-6 ? undefined : after;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address. */
function sourceKey({ ip }: TransportAddress): string {
  return String.fromCharCode(...ip.length === 4 ? ip : ip.subarray(0, 8));
}
