import type { Clock } from "../session/clock.ts";

/** Milliseconds a neighbour may say nothing after something was sent to it; then it is asked. */
const ASK_AFTER = 200;
/** Milliseconds it has to answer: a trip around the earth takes under 400, and its home is nearer. */
const ANSWER_TIME = 300;
/** Milliseconds a timer may be late: later, it was this process that stood still, and nothing is read yet. */
const LATE = 200;

/** Whose answers are waited for. */
export interface Answerer {
  /** Asks for a sign of life. */
  ask(now: number): void;
  /** Its answer is overdue: what can go another way should. Or it answers again. */
  doubt(doubted: boolean): void;
}

/**
 * Whether a neighbour answers, found out while something is sent to it: within half a
 * second the mesh leads around one that fell silent, long before its session is given
 * up. Nothing is ended here, so a mistake costs a detour; and an idle session costs nothing.
 */
export class Answering {
  doubted = false;
  readonly #clock: Clock;
  readonly #answerer: Answerer;
  /** When the first was sent to it since it was heard, monotonic milliseconds. */
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, answerer: Answerer) {
    this.#clock = clock;
    this.#answerer = answerer;
  }

  /** Something was sent to the neighbour. */
  sent(): void {
    if (this.#since !== undefined || this.doubted) return;
    this.#since = this.#clock.now();
    if (this.#cancel === undefined) this.#wait(ASK_AFTER, (now) => this.#look(now));
  }

  /** Something came from it. */
  heard(): void {
    this.#since = undefined;
    if (!this.doubted) return;
    this.doubted = false;
    this.#answerer.doubt(false);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = this.#since = undefined;
    this.doubted = false;
  }

  #wait(delay: number, next: (now: number) => void): void {
    const due = this.#clock.now() + delay;
    this.#cancel = this.#clock.after(delay, () => {
      this.#cancel = undefined;
      const now = this.#clock.now();
      if (this.#since === undefined) return;
      if (now - due > LATE) this.#wait(delay, next);
      else next(now);
    });
  }

  /** What was heard meanwhile answers what was sent before it, and no more. */
  #look(now: number): void {
    const left = this.#since! + ASK_AFTER - now;
    if (left > 0) this.#wait(left, (later) => this.#look(later));
    else this.#ask(now);
  }

  #ask(now: number): void {
    this.#answerer.ask(now);
    this.#wait(ANSWER_TIME, (later) => {
      if (this.#since! >= now) return this.#look(later); // it answered; that was sent since
      this.doubted = true;
      this.#answerer.doubt(true);
    });
  }
}
