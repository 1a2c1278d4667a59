/** What arrived of numbered messages: what is missing, came twice or late, and when. */
import type { Way } from "./worker.ts";

export interface Numbered {
  /** From 1, one more with each message of this way. */
  number: number;
  /** By {@link moment}. */
  sentAt: number;
}

/** Milliseconds, the same in all processes of a machine, and untouched when its clock is set. */
export function moment(): number {
  return performance.timeOrigin + performance.now();
}

export interface Account {
  received: number;
  duplicated: number;
  /** Arrived behind a higher number. */
  reordered: number;
  /** The highest number, and those below it that have not arrived. */
  highest: number;
  missing: number;
}

/** How a way went on after a moment. */
export interface Resumed {
  /** Milliseconds until the first message that was sent after it arrived; absent: none has. */
  after?: number;
  /** The longest time without an arrival since, milliseconds. */
  gap: number;
}

export function writeNumbered({ number, sentAt }: Numbered, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number);
  view.setFloat64(4, sentAt);
  return bytes;
}

export function readNumbered(bytes: Uint8Array): Numbered {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { number: view.getUint32(0), sentAt: view.getFloat64(4) };
}

/** The messages of one way. */
export class Tally {
  readonly account: Account = { received: 0, duplicated: 0, reordered: 0, highest: 0, missing: 0 };
  readonly #missing = new Set<number>();
  #arrivals: { sentAt: number; at: number }[] = [];

  took({ number, sentAt }: Numbered, at: number): void {
    const { account } = this;
    account.received++;
    this.#arrivals.push({ sentAt, at });
    for (let n = account.highest + 1; n < number; n++) this.#missing.add(n);
    if (number > account.highest) account.highest = number;
    else if (this.#missing.delete(number)) account.reordered++;
    else account.duplicated++;
    account.missing = this.#missing.size;
  }

  /** Arrivals before that are forgotten. */
  since(from: number, now: number): Resumed {
    const first = this.#arrivals.find(({ sentAt }) => sentAt >= from);
    const times = [from, ...this.#arrivals.map(({ at }) => at).filter((at) => at >= from), now];
    const gap = Math.max(...times.slice(1).map((at, i) => at - times[i]!));
    this.#arrivals = [];
    return first ? { after: first.at - from, gap } : { gap };
  }
}

export class Ledger {
  readonly #tallies = new Map<Way, Tally>();

  of(way: Way): Tally {
    const known = this.#tallies.get(way) ?? new Tally();
    this.#tallies.set(way, known);
    return known;
  }

  since(from: number): Record<Way, Resumed> {
    const now = moment();
    return Object.fromEntries([...this.#tallies].map(([way, tally]) => [way, tally.since(from, now)]));
  }

  accounts(): Record<Way, Account> {
    return Object.fromEntries([...this.#tallies].map(([way, { account }]) => [way, account]));
  }
}
