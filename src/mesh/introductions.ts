import { INTRODUCTION_WINDOW, MAX_HEARSAY, MAX_INTRODUCED } from "./mesh_limits.ts";

/** How many unknown nodes one session may still introduce: a flood of members ends at the first honest node. */
export class Introductions {
  #since: number;
  #made = 0;

  constructor(now: number) {
    this.#since = now;
  }

  take(now: number): boolean {
    if (now - this.#since >= INTRODUCTION_WINDOW) {
      this.#since = now;
      this.#made = 0;
    }
    return ++this.#made <= MAX_INTRODUCED;
  }

  /** More than any honest node lists: it makes them up. */
  get excessive(): boolean {
    return this.#made > MAX_HEARSAY;
  }
}
