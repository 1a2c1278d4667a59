import type { Clock } from "../../src/session/clock.ts";
import type { Due, Timeline } from "./timeline.ts";

/** When the virtual world began, milliseconds since 1970. */
const EPOCH = 1_800_000_000_000;

/**
 * One process: its timers and what the network brings it wait while it is frozen (SIGSTOP) and
 * are gone when it is killed. Its wall clock is wrong by `skew` milliseconds.
 */
export class Machine {
  readonly name: string;
  readonly clock: Clock;
  /** Where it stands, milliseconds from the origin: distance is delay. */
  readonly place: readonly [number, number];
  state: "running" | "frozen" | "dead" = "running";
  skew: number;
  readonly #timeline: Timeline;
  readonly #armed = new Set<Due>();
  #held: (() => void)[] = [];

  constructor(name: string, timeline: Timeline, place: readonly [number, number], skew: number) {
    this.name = name;
    this.#timeline = timeline;
    this.place = place;
    this.skew = skew;
    this.clock = {
      now: () => timeline.now,
      wall: () => Math.floor(EPOCH + timeline.now + this.skew),
      after: (delay, run) => this.#after(delay, run),
      soon: (run) => void timeline.after(0, () => this.arrive(run)),
    };
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#armed.size;
  }

  /** Something from outside happens to this process, now or when it goes on. */
  arrive(run: () => void): void {
    if (this.state === "running") run();
    else if (this.state === "frozen") this.#held.push(run);
  }

  freeze(): void {
    if (this.state === "running") this.state = "frozen";
  }

  thaw(): void {
    if (this.state !== "frozen") return;
    this.state = "running";
    const held = this.#held;
    this.#held = [];
    // Each in a turn of its own, as an event loop does.
    for (const run of held) this.#timeline.after(0, () => this.arrive(run));
  }

  kill(): void {
    this.state = "dead";
    for (const due of this.#armed) this.#timeline.cancel(due);
    this.#armed.clear();
    this.#held = [];
  }

  #after(delay: number, run: () => void): () => void {
    if (this.state === "dead") return () => {};
    let cancelled = false;
    const due = this.#timeline.after(delay, () => {
      this.#armed.delete(due);
      this.arrive(() => void (cancelled || run()));
    });
    this.#armed.add(due);
    return () => {
      cancelled = true;
      this.#armed.delete(due);
      this.#timeline.cancel(due);
    };
  }
}
