/**
 * What was said, and what of it arrived. Between two processes messages arrive once and in order; a
 * message is lost only with a process that died, or refused when the other one left.
 *
 * @module
 */
import { WaymeetError } from "../../src/wire/error.ts";

export interface Entry {
  readonly from: number;
  readonly process: number;
  readonly to: number;
  readonly sequence: number;
  readonly at: number;
  state: "under-way" | "delivered" | "rejected";
  arrived: boolean;
}

interface Life {
  ended?: "left" | "died";
}

export class Ledger {
  sent = 0;
  arrivals = 0;
  /** Dials that ended with an expected failure, by code. */
  readonly misses: Map<string, number> = new Map();
  readonly rejections: Map<string, number> = new Map();
  /** Milliseconds from `send` to its resolving. */
  readonly latencies: number[] = [];
  readonly faults: string[] = [];
  readonly #streams = new Map<string, Entry[]>();
  readonly #newest = new Map<string, number>();
  readonly #lives = new Map<number, Life[]>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  began(who: number, process: number): void {
    const lives = this.#lives.get(who) ?? [];
    this.#lives.set(who, lives);
    lives[process] = {};
  }

  left(who: number, process: number): void {
    this.#lives.get(who)![process]!.ended = "left";
  }

  died(who: number, process: number): void {
    this.#lives.get(who)![process]!.ended = "died";
  }

  stopped(who: number, process: number, reason: string): void {
    if (this.#lives.get(who)![process]!.ended) return;
    this.fault(`peer ${who}, process ${process}, was told to stop: ${reason}`);
  }

  missed(code: string): undefined {
    this.misses.set(code, (this.misses.get(code) ?? 0) + 1);
    if (code !== "absent" && code !== "node-unreachable" && code !== "closed") {
      this.fault(`a dial failed: ${code}`);
    }
  }

  post(from: number, process: number, to: number, at: number): Entry {
    const key = `${from}.${process}>${to}`;
    const stream = this.#streams.get(key) ?? [];
    this.#streams.set(key, stream);
    const entry: Entry = {
      from,
      process,
      to,
      sequence: stream.length,
      at,
      state: "under-way",
      arrived: false,
    };
    stream.push(entry);
    this.sent++;
    return entry;
  }

  delivered(entry: Entry, now: number): void {
    entry.state = "delivered";
    this.latencies.push(now - entry.at);
  }

  rejected(entry: Entry, error: unknown, _now: number): void {
    entry.state = "rejected";
    const code = error instanceof WaymeetError ? error.code : String(error);
    this.rejections.set(code, (this.rejections.get(code) ?? 0) + 1);
    if (!this.#lives.get(entry.from)![entry.process]!.ended && !this.#everLeft(entry.to)) {
      this.fault(`${name(entry)} was rejected although both live: ${code}`);
    }
  }

  arrived(from: number, process: number, to: number, receiver: number, sequence: number, now: number): void {
    this.arrivals++;
    const entry = this.#streams.get(`${from}.${process}>${to}`)?.[sequence];
    if (!entry) return this.fault(`peer ${to} got what nobody sent: ${from}.${process}.${sequence}`);
    const key = `${from}.${process}>${to}.${receiver}`;
    const newest = this.#newest.get(key) ?? -1;
    if (sequence <= newest) {
      const kind = sequence === newest || entry.arrived ? "doubled" : "reordered";
      this.fault(`${name(entry)} was ${kind} at process ${receiver}: after ${newest}, at ${Math.round(now)}`);
    }
    this.#newest.set(key, Math.max(newest, sequence));
    entry.arrived = true;
  }

  /** Messages between processes that live that have not arrived. */
  outstanding(): Entry[] {
    const found: Entry[] = [];
    for (const stream of this.#streams.values()) {
      for (const entry of stream) {
        if (entry.arrived || entry.state === "rejected") continue;
        if (this.#lives.get(entry.from)![entry.process]!.ended) continue;
        if (entry.state === "delivered" || !this.#lives.get(entry.to)?.at(-1)?.ended) found.push(entry);
      }
    }
    return found;
  }

  /** Says what is missing now that all had time to arrive. */
  close(): void {
    for (const entry of this.outstanding()) this.fault(`${name(entry)} was lost (${entry.state})`);
  }

  fault(text: string): void {
    if (this.faults.length < 20) this.faults.push(`at ${Math.round(this.#now())} ms: ${text}`);
  }

  #everLeft(who: number): boolean {
    return this.#lives.get(who)?.some((life) => life?.ended === "left") ?? false;
  }
}

function name({ from, process, to, sequence, at }: Entry): string {
  return `message ${sequence} of peer ${from}.${process} to ${to}, sent at ${Math.round(at)} ms,`;
}
