/**
 * The Prometheus exposition format 0.0.4: `# HELP`, `# TYPE`, then samples.
 *
 * @module
 */
import { reasonName } from "../wire/reason.ts";

/** Counts by a number: a reason code. */
export type Counts = Map<number, number>;

export function count(counts: Counts, key: number, add: number): void {
  counts.set(key, (counts.get(key) ?? 0) + add);
}

/** What a scrape gets, as it is written. */
export class Page {
  text = "";

  head(name: string, type: "counter" | "gauge" | "histogram", help: string): void {
    this.text += `# HELP waymeet_${name} ${help}\n# TYPE waymeet_${name} ${type}\n`;
  }

  sample(name: string, value: number, labels: Record<string, string> = {}): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
    this.text += `waymeet_${name}${pairs && `{${pairs}}`} ${value === Infinity ? "+Inf" : value}\n`;
  }

  one(
    name: string,
    type: "counter" | "gauge",
    help: string,
    value: number,
    labels?: Record<string, string>,
  ): void {
    this.head(name, type, help);
    this.sample(name, value, labels);
  }

  byReason(name: string, help: string, counts: Counts, label: string = "reason"): void {
    this.head(name, "counter", help);
    for (const [reason, value] of counts) this.sample(name, value, { [label]: reasonName(reason) });
  }
}

/** Durations in buckets of seconds. */
export class Durations {
  readonly #bounds: readonly number[];
  readonly #buckets: Float64Array;
  #sum = 0;
  #count = 0;

  /** Upper bounds, seconds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#buckets = new Float64Array(bounds.length + 1);
  }

  add(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound);
    this.#buckets[bucket < 0 ? this.#bounds.length : bucket]!++;
    this.#sum += seconds;
    this.#count++;
  }

  expose(page: Page, name: string, help: string): void {
    page.head(name, "histogram", help);
    let below = 0;
    this.#bounds.forEach((bound, i) => {
      below += this.#buckets[i]!;
      page.sample(`${name}_bucket`, below, { le: String(bound) });
    });
    page.sample(`${name}_bucket`, this.#count, { le: "+Inf" });
    page.sample(`${name}_sum`, this.#sum);
    page.sample(`${name}_count`, this.#count);
  }
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (sign) => sign === "\n" ? "\\n" : `\\${sign}`);
}
