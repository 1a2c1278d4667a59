import { IDLE_PATIENCE, IDLE_PROBE, LINK_TIMEOUT } from "./limits.ts";

/**
 * Whether the other process is believed to be there, by when it was last heard. Pure.
 * Silence counts against it only while this side could have heard it: call
 * {@link Presence.restart} when a path comes back.
 */
export class Presence {
  /** Nothing was heard although we asked. */
  silent = false;
  /** Monotonic milliseconds. */
  #heard: number;
  #askedAt: number | undefined;

  constructor(now: number) {
    this.#heard = now;
  }

  /** A packet under our keys came. True when that ends a silence. */
  hear(now: number): boolean {
    this.restart(now);
    const ended = this.silent;
    this.silent = false;
    return ended;
  }

  /** The wait begins anew, for the same belief. */
  restart(now: number): void {
    this.#heard = now;
    this.#askedAt = undefined;
  }

  /** Something stayed unanswered. True when that begins a silence. */
  doubt(): boolean {
    const begun = !this.silent;
    this.silent = true;
    return begun;
  }

  heardSince(time: number): boolean {
    return this.#heard >= time;
  }

  /** When to {@link ask}. */
  get askAt(): number {
    return this.#askedAt === undefined ? this.#heard + IDLE_PROBE : this.#askedAt + IDLE_PATIENCE;
  }

  /** Notes that the other side is asked now. True when the question before this one stayed unanswered. */
  ask(now: number): boolean {
    const again = this.#askedAt !== undefined;
    this.#askedAt = now;
    return again;
  }

  /** When the other side is given up. */
  get giveUpAt(): number {
    return this.#heard + LINK_TIMEOUT;
  }
}
