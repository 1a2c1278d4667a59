import type { Clock } from "../../src/session/clock.ts";

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

/** A clock that stands still until a test turns it; promises settle between two timers. */
export class VirtualClock implements Clock {
  /** Milliseconds since 1970 when the clock began. */
  static readonly EPOCH = 1_800_000_000_000;
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }
  wall(): number {
    return VirtualClock.EPOCH + Math.floor(this.#now);
  }
  after(delay: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), order: this.#order++, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that are armed. */
  get timers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; `Infinity` without any. */
  get due(): number {
    return this.#next(Infinity)?.at ?? Infinity;
  }

  /** Lets `ms` pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#timers.delete(timer);
      this.#now = timer.at;
      timer.run();
      await settle();
    }
    this.#now = until;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}

/**
 * Lets promises that wait for nothing but each other settle: a turn of the event loop comes after
 * all of them, and costs a test runner that follows every promise less than a chain of them.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Waits for what takes real time, such as WebCrypto; fails after two seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`waited in vain for ${what}`);
}
