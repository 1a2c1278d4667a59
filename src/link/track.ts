import { Congestion, RoundTrip } from "./congestion.ts";

/** What a track has carried so far; only differences between two moments mean something. */
export interface Carried {
  /** Frames that left by it, and those of them that were found lost. */
  sent: number;
  lost: number;
  /** Bytes that are known to have arrived. */
  bytes: number;
  /** Milliseconds in which more would have left, had its window allowed it. */
  limited: number;
  /** When something that left by it was last known to have arrived. */
  progressAt: number;
}

/**
 * What is known about one path by what was sent over it: its round trip, its congestion
 * window, and the packet numbers by which losses are found (each path has its own, RFC
 * 9002 §3, §6: packets of two paths overtake each other).
 */
export class Track {
  readonly roundTrip: RoundTrip = new RoundTrip();
  readonly congestion: Congestion = new Congestion();
  nextPacket = 1;
  /** The youngest packet known to have arrived. */
  newest: { packet: number; sentAt: number } = { packet: 0, sentAt: -Infinity };
  sent = 0;
  lost = 0;
  bytes = 0;
  progressAt: number = -Infinity;
  #limitedFor = 0;
  #limitedSince: number | undefined;

  /** Whether something waits that its window holds back. */
  limit(limited: boolean, now: number): void {
    if (limited) this.#limitedSince ??= now;
    else if (this.#limitedSince !== undefined) {
      this.#limitedFor += now - this.#limitedSince;
      this.#limitedSince = undefined;
    }
  }

  carried(now: number): Carried {
    const { sent, lost, bytes, progressAt } = this;
    const since = this.#limitedSince === undefined ? 0 : now - this.#limitedSince;
    return { sent, lost, bytes, progressAt, limited: this.#limitedFor + since };
  }
}
