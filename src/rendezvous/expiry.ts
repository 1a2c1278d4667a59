/**
 * When the access of those who are here ends: a token's time runs out while its session lives on.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";

/** Longest wait between two looks, milliseconds: clocks are set, and timers of runtimes end at 2^31 ms. */
const LOOK = 3_600_000;
/** Shortest, so that many who expire one after the other cost one look. */
const LEAST = 100;

/** Holds who is here until a time by the machine's clock, and gives back who is over it. */
export class Expiry<Holder> {
  readonly #until = new Map<Holder, number>();
  readonly #clock: Clock;
  readonly #expired: (holder: Holder) => void;
  #next = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, expired: (holder: Holder) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** `until`: milliseconds since 1970. */
  add(holder: Holder, until: number): void {
    this.#until.set(holder, until);
    if (until < this.#next) this.#arm();
  }

  delete(holder: Holder): void {
    if (this.#until.delete(holder) && this.#until.size === 0) this.#arm();
  }

  #look(): void {
    const now = this.#clock.wall();
    const over = [...this.#until].filter(([, until]) => until <= now).map(([holder]) => holder);
    for (const holder of over) this.#until.delete(holder);
    this.#arm();
    for (const holder of over) this.#expired(holder);
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#next = Infinity;
    if (this.#until.size === 0) return;
    for (const until of this.#until.values()) this.#next = Math.min(this.#next, until);
    const delay = Math.min(LOOK, Math.max(LEAST, this.#next - this.#clock.wall()));
    this.#cancel = this.#clock.after(delay, () => this.#look());
  }
}
