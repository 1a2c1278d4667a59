import type { Clock } from "./clock.ts";

/** Something that wants to be woken once per interval; `tick` MUST NOT throw. */
export interface Ticked {
  tick(): void;
}

/**
 * One timer for many members, each woken once per interval. A node shares one among all its
 * sessions: 15,000 timers cost memory and wake the process without pause, one wheel of slots
 * wakes it `slots` times per interval and spreads the pings evenly. The timer runs only while
 * there are members.
 *
 * @example
 * ```ts
 * import { systemClock } from "./clock.ts";
 * const ticker = new Ticker(systemClock, 15_000);
 * const slot = ticker.join({ tick: () => console.log("15 seconds") });
 * ticker.leave({ tick() {} }, slot); // an absent member is no error
 * ```
 */
export class Ticker {
  /** Milliseconds between two ticks of one member. */
  readonly interval: number;
  readonly #clock: Clock;
  readonly #slots: Set<Ticked>[];
  #hand = 0;
  #members = 0;
  #cancel: (() => void) | undefined;

  /** With `slots` the wheel turns every `interval / slots` ms; a first tick comes up to that much early. */
  constructor(clock: Clock, interval: number, slots = 60) {
    this.#clock = clock;
    this.interval = interval;
    this.#slots = Array.from({ length: slots }, () => new Set());
  }

  /** Returns the member's slot, which {@link leave} needs. */
  join(member: Ticked): number {
    this.#slots[this.#hand]!.add(member);
    this.#members++;
    if (this.#cancel === undefined) this.#arm();
    return this.#hand;
  }

  leave(member: Ticked, slot: number): void {
    if (!this.#slots[slot]?.delete(member)) return;
    if (--this.#members > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.interval / this.#slots.length, () => this.#turn());
  }

  #turn(): void {
    this.#hand = (this.#hand + 1) % this.#slots.length;
    this.#arm();
    const slot = this.#slots[this.#hand]!;
    for (const member of [...slot]) if (slot.has(member)) member.tick();
  }
}
