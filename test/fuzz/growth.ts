/** Whether the heap grows while inputs pass through. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { median } from "../bench/statistics.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes by which the last third of a run may lie above the middle one: caches that fill, compiled code. */
const ROOM = 3_000_000;
/** Looks at the heap in one run. */
const LOOKS = 30;

export class Growth {
  /** Bytes by look. */
  readonly #looks: number[] = [];

  /** Called between worlds; `elapsed`: the share of the run that is over. */
  sample(elapsed: number): void {
    if (elapsed * LOOKS < this.#looks.length) return;
    collect();
    this.#looks.push(process.memoryUsage().heapUsed);
  }

  get #thirds(): [number, number] | undefined {
    const third = Math.floor(this.#looks.length / 3);
    if (third < 3) return undefined;
    return [median(this.#looks.slice(third, 2 * third)), median(this.#looks.slice(-third))];
  }

  get text(): string {
    return this.#thirds?.map((bytes) => (bytes / 1e6).toFixed(1)).join(" → ") ?? "too short";
  }

  verdict(): string | undefined {
    const [middle, last] = this.#thirds ?? [0, 0];
    return last - middle > ROOM ? `the heap grows: ${this.text} MB` : undefined;
  }
}
