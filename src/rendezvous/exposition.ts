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

/** One number of a family. A histogram's are called `…_bucket` (with the label `le`), `…_sum` and `…_count`. */
export interface Sample {
  name: string;
  value: number;
  labels: Record<string, string>;
}

/** All that is counted under one name. */
export interface Family {
  /** Without the `waymeet_` that every name begins with outside. */
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples: Sample[];
}

/** What a node counts, at one moment: as text for a scrape, and family by family for other formats. */
export class Page {
  readonly families: Family[] = [];

  head(name: string, type: Family["type"], help: string): void {
    this.families.push({ name, type, help, samples: [] });
  }

  /** Belongs to the family begun last. */
  sample(name: string, value: number, labels: Record<string, string> = {}): void {
    this.families.at(-1)!.samples.push({ name, value, labels });
  }

  get text(): string {
    return this.families.map(written).join("");
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

function written({ name, type, help, samples }: Family): string {
  const head = `# HELP waymeet_${name} ${help}\n# TYPE waymeet_${name} ${type}\n`;
  return head + samples.map(line).join("");
}

function line({ name, value, labels }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
  return `waymeet_${name}${pairs && `{${pairs}}`} ${value === Infinity ? "+Inf" : value}\n`;
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
