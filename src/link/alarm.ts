import type { Clock } from "../session/clock.ts";

/** One timer. Armed too early it only costs a look; re-arming at every packet would cost more. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #armed: { at: number; cancel: () => void } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at that time, or before. */
  arm(at: number, now: number): void {
    if (this.#armed && this.#armed.at <= at) return;
    this.stop();
    if (at === Infinity) return;
    const cancel = this.#clock.after(Math.max(0, at - now), () => {
      this.#armed = undefined;
      this.#ring();
    });
    this.#armed = { at, cancel };
  }

  stop(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
  }
}
