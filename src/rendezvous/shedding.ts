/**
 * What a node gives up when its process holds more memory than it may: first newcomers, then the newest
 * handshakes, then the newest peers that nobody talks with. Never an established link.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";

/** Of the ceiling: below this a node that refused newcomers takes them again. */
const RELIEF = 0.9;
/** Milliseconds between two looks at the memory: the call takes some 10 µs, and collectors need time to work. */
const LOOK = 1_000;
/** Strangers that go at each look: of those that are here, and at least. */
const SHARE = 0.05;
const LEAST = 8;

/** `open`: newcomers are taken; `closed`: they are not, and strangers go. */
export type Pressure = "open" | "closed";

/** Pure: closes above the ceiling, opens again below 90 % of it. */
export function pressureStep(before: Pressure, memory: number, ceiling: number): Pressure {
  if (memory > ceiling) return "closed";
  return before === "closed" && memory > ceiling * RELIEF ? "closed" : "open";
}

/** Somebody who may have to go. */
export interface Stranger {
  /** Clock time of its arrival, milliseconds. */
  since: number;
  /** Handshake not done. */
  pending: boolean;
}

/** Who goes now, of those who are no party to an established link: handshakes first, each newest first. Pure. */
export function toShed<S extends Stranger>(strangers: readonly S[]): S[] {
  const newest = strangers.toSorted((a, b) => Number(b.pending) - Number(a.pending) || b.since - a.since);
  return newest.slice(0, Math.max(LEAST, Math.ceil(strangers.length * SHARE)));
}

export interface SheddingOptions {
  clock: Clock;
  /** Bytes that the process holds; `undefined`: nobody can tell, so there is no ceiling. */
  memory: (() => number) | undefined;
  ceiling: () => number;
  /** Memory is above the ceiling: strangers have to go. */
  shed: () => void;
}

/** Looks at the memory once a second, only while there is a ceiling. */
export class Shedding {
  readonly #o: SheddingOptions;
  #pressure: Pressure = "open";
  #cancel: (() => void) | undefined;

  constructor(options: SheddingOptions) {
    this.#o = options;
    this.begin();
  }

  /** Whether newcomers are refused. */
  get closed(): boolean {
    return this.#pressure === "closed";
  }

  /** The ceiling changed: looks at once. */
  begin(): void {
    this.stop();
    const { memory, ceiling, clock, shed } = this.#o;
    if (memory === undefined || ceiling() === Infinity) return;
    const held = memory();
    this.#pressure = pressureStep(this.#pressure, held, ceiling());
    if (held > ceiling()) shed();
    this.#cancel = clock.after(LOOK, () => this.begin());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#o.ceiling() === Infinity) this.#pressure = "open";
  }
}
