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

/** The last half hour of a node, for plots that begin before somebody looks. */
export class History {
  readonly #clock: Clock;
  readonly #read: () => Omit<Sample, "at">;
  readonly #samples: Sample[] = [];
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
    return this.#samples.filter(({ at }) => at > since);
  }

  stop(): void {
    this.#cancel?.();
  }

  #sample(): void {
    this.#samples.push({ at: this.#clock.wall(), ...this.#read() });
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#cancel = this.#clock.after(SAMPLE_GAP, () => this.#sample());
  }
}
