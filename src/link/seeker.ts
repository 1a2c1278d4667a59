import type { Clock } from "../session/clock.ts";
import type { Remote } from "./greeting.ts";

/** The answer to "where is that peer?". `lost`: no node answered. */
export type Finding = { kind: "found"; record: Remote } | { kind: "absent" } | { kind: "lost" };

/** Waits between looking for a peer that is away, milliseconds. */
const FIRST = 250;
const LAST = 5_000;

/** Calls `seen` whenever a node tells that the peer came (back) or moved; returns how to end that. */
export type Lookout = (seen: () => void) => () => void;

/**
 * Looks for a peer that is away until it is found, ever less often, whether or not a node is
 * there to ask; and at once when a node tells that it came. `found` says whether a record is of use:
 * who takes one calls {@link Seeker.rest}, and what describes a process that is gone ends no search.
 */
export class Seeker {
  readonly #clock: Clock;
  readonly #find: () => Promise<Finding>;
  readonly #found: (record: Remote) => boolean;
  readonly #lookout: Lookout;
  #wait = 0;
  #pending: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #asking = false;
  #stopped = false;

  constructor(
    clock: Clock,
    find: () => Promise<Finding>,
    found: (record: Remote) => boolean,
    lookout: Lookout = () => () => {},
  ) {
    this.#clock = clock;
    this.#find = find;
    this.#found = found;
    this.#lookout = lookout;
  }

  /** Begins to look, unless it does already: every frame that went astray says so anew. */
  begin(): void {
    if (this.#wait === 0) this.#later();
    this.#unwatch ??= this.#lookout(() => this.now());
  }

  /** Looks at once, and goes on looking if that finds nothing. */
  now(): void {
    this.#pending?.();
    this.#pending = undefined;
    this.#wait = 0;
    void this.#look();
  }

  /** Found by other means. */
  rest(): void {
    this.#pending?.();
    this.#pending = undefined;
    this.#wait = 0;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.rest();
  }

  #later(): void {
    this.#wait = Math.min(LAST, this.#wait * 2 || FIRST);
    this.#pending = this.#clock.after(this.#wait, () => {
      this.#pending = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#asking || this.#stopped) return;
    this.#asking = true;
    const finding = await this.#find();
    this.#asking = false;
    if (this.#stopped) return;
    if (finding.kind === "found" && this.#found(finding.record)) return;
    if (!this.#pending) this.#later();
  }
}
