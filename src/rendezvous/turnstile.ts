/**
 * Strangers pass at most so many in each turn of the event loop: between two turns those who have a session are heard.
 * A thousand handshakes that are all read in one turn would otherwise hold up each word of theirs for as long
 * as all of them take.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";

export class Turnstile {
  readonly #soon: Clock["soon"];
  readonly #perTurn: number;
  /** Who may pass before the turn has to end. To know when it does costs a turn of its own, so only who waits asks. */
  #left: number;
  #waiting: (() => void)[] = [];
  readonly #nextTurn = (): void => {
    const next = this.#waiting.splice(0, this.#perTurn);
    this.#left = this.#perTurn - next.length;
    if (this.#waiting.length > 0) this.#soon!(this.#nextTurn);
    for (const run of next) run();
  };

  /** On a clock without turns nobody waits. */
  constructor({ soon }: Clock, perTurn: number) {
    this.#soon = soon;
    this.#perTurn = this.#left = perTurn;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs it now, or as soon as it is its turn. It MUST NOT throw. */
  readonly pass = (run: () => void): void => {
    if (this.#soon === undefined) run();
    else if (this.#left > 0) {
      this.#left--;
      run();
    } else if (this.#waiting.push(run) === 1) this.#soon(this.#nextTurn);
  };
}
