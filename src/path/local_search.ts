/**
 * When a neighbour that was there is looked for again: its tab may have slept, its channel
 * may have broken. Soon at first, then ever more rarely, as long as the link lives.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { HOLD_MAX, HOLD_MIN, STEADY } from "./limits.ts";
import type { PathHost } from "./port.ts";

interface Search {
  /** Milliseconds until the next look. */
  wait: number;
  /** When a look was last successful. */
  foundAt: number;
  cancel: (() => void) | undefined;
}

export class LocalSearch {
  readonly #clock: Clock;
  readonly #look: (host: PathHost) => Promise<boolean>;
  readonly #searches = new Map<PathHost, Search>();

  /** `look` asks once who is nearby, and says whether the link has a local path now. */
  constructor(clock: Clock, look: (host: PathHost) => Promise<boolean>) {
    this.#clock = clock;
    this.#look = look;
  }

  /** A link's local path is gone. */
  lost(host: PathHost): void {
    const search = this.#searches.get(host) ?? { wait: HOLD_MIN, foundAt: Infinity, cancel: undefined };
    this.#searches.set(host, search);
    if (this.#clock.now() - search.foundAt >= STEADY) search.wait = HOLD_MIN;
    this.#later(host, search);
  }

  /** The link is over, or its other process is another, who is looked for anyway. */
  forget(host: PathHost): void {
    this.#searches.get(host)?.cancel?.();
    this.#searches.delete(host);
  }

  close(): void {
    for (const host of [...this.#searches.keys()]) this.forget(host);
  }

  #later(host: PathHost, search: Search): void {
    if (search.cancel) return;
    search.cancel = this.#clock.after(search.wait, () => void this.#again(host, search));
    search.wait = Math.min(HOLD_MAX, 2 * search.wait);
  }

  async #again(host: PathHost, search: Search): Promise<void> {
    search.cancel = undefined;
    const found = await this.#look(host);
    if (found) search.foundAt = this.#clock.now();
    else if (this.#searches.get(host) === search) this.#later(host, search);
  }
}
