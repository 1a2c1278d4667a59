import type { Clock } from "../session/clock.ts";

/** What happened at a node up to one moment: counters since its start, gauges as they were. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  sessions: number;
  framesOut: number;
  bytesOut: number;
  dropped: number;
}

/** Milliseconds between two samples. */
export const SAMPLE_GAP = 2_000;
/** Samples kept: half an hour. */
const KEPT = 900;
const FIELDS = 5;

/** The last half hour of a node, for plots that begin before somebody looks. */
export class History {
  readonly #clock: Clock;
  readonly #read: () => Omit<Sample, "at">;
  /** All the room at once: what fills for half an hour looks like a leak till then. */
  readonly #ring = new Float64Array(KEPT * FIELDS);
  #taken = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, read: () => Omit<Sample, "at">) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Takes the first sample, and one every {@link SAMPLE_GAP} until {@link History.stop}. */
  start(): void {
    this.#sample();
  }

  /** Those after `since` (milliseconds since 1970), the oldest first. */
  after(since: number): Sample[] {
    const kept = Math.min(this.#taken, KEPT);
    const samples = Array.from({ length: kept }, (_, i) => this.#at(this.#taken - kept + i));
    return samples.filter(({ at }) => at > since);
  }

  stop(): void {
    this.#cancel?.();
  }

  #sample(): void {
    const { sessions, framesOut, bytesOut, dropped } = this.#read();
    const start = this.#taken++ % KEPT * FIELDS;
    this.#ring.set([this.#clock.wall(), sessions, framesOut, bytesOut, dropped], start);
    this.#cancel = this.#clock.after(SAMPLE_GAP, () => this.#sample());
  }

  #at(number: number): Sample {
    const start = number % KEPT * FIELDS;
    const [at, sessions, framesOut, bytesOut, dropped] = this.#ring.subarray(start, start + FIELDS);
    return {
      at: at!,
      sessions: sessions!,
      framesOut: framesOut!,
      bytesOut: bytesOut!,
      dropped: dropped!,
    };
  }
}
