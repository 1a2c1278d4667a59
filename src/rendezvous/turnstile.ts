/**
 * Strangers pass so many in each turn of the event loop: between two turns those who have a session are heard.
 * A thousand handshakes that are all read in one turn would otherwise hold up each word of theirs for as long
 * as all of them take.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";

export class Turnstile {
  readonly #soon: Clock["soon"];
  readonly #perTurn: number;
  #left: number;
  #waiting: (() => void)[] = [];
  #turnEnds = false;
  readonly #nextTurn = (): void => {
    this.#turnEnds = false;
    this.#left = this.#perTurn;
    const next = this.#waiting.splice(0, this.#perTurn);
    for (const run of next) this.#run(run);
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
    else if (this.#left === 0) this.#waiting.push(run);
    else this.#run(run);
  };

  #run(run: () => void): void {
    this.#left--;
    if (!this.#turnEnds) {
      this.#turnEnds = true;
      this.#soon!(this.#nextTurn);
    }
    run();
  }
}
