/**
 * Bans that outlive a restart: where they are kept, and how they are written.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { parseSubject } from "./ban_subject.ts";
import { type Ban, noSubject } from "./bans.ts";

/** Keeps one text, such as a file. */
export interface BanStore {
  /** What was written last; `undefined` before. */
  read(): Promise<string | undefined>;
  /** MUST be whole or not at all. */
  write(text: string): Promise<void>;
}

/** Bans as JSON: a list of `{"subject", "reason", "until"}`, `until` an ISO 8601 time or null for no end. */
export function writeBans(bans: readonly Ban[]): string {
  const list = bans.map(({ subject, reason, until }) => ({
    subject,
    reason,
    until: until === Infinity ? null : new Date(until).toISOString(),
  }));
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/** @throws {TypeError} saying what is wrong, because a node must not start without bans that it was to keep. */
export function readBans(text: string): Ban[] {
  const list = parse(text);
  if (!Array.isArray(list)) {
    throw new TypeError(
      'bans are a JSON list of {"subject": …, "reason": …, "until": …}; correct or remove the file',
    );
  }
  return list.map(readBan);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the bans are not JSON (${(error as Error).message}); correct or remove the file`);
  }
}

function readBan(entry: unknown): Ban {
  const { subject, reason = "banned by the operator", until = null } = Object(entry) as Record<
    string,
    unknown
  >;
  if (typeof subject !== "string" || parseSubject(subject) === undefined) {
    throw new TypeError(noSubject(String(subject)));
  }
  const end = until === null ? Infinity : typeof until === "string" ? Date.parse(until) : NaN;
  if (typeof reason !== "string" || Number.isNaN(end)) {
    throw new TypeError(`the ban of ${subject} has a text "reason" and an ISO time (or null) "until"`);
  }
  return { subject, reason, until: end };
}

/** Milliseconds until bans that could not be written are tried again: a full disk is emptied by somebody. */
export const WRITE_AGAIN = 10_000;

export interface BanFileOptions {
  store: BanStore;
  clock: Clock;
  /** Told why bans could not be written, each time. */
  failed: (error: unknown) => void;
}

/** Writes bans one after the other: while one is being written, only the newest after it waits. */
export class BanFile {
  readonly #o: BanFileOptions;
  #next: string | undefined;
  #writing: Promise<void> | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(options: BanFileOptions) {
    this.#o = options;
  }

  async read(): Promise<Ban[]> {
    const text = await this.#o.store.read();
    return text === undefined ? [] : readBans(text);
  }

  /** Resolves when what was given last is written, or could not be: then it is tried again later. */
  write(bans: readonly Ban[]): Promise<void> {
    this.#next = writeBans(bans);
    return this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined) {
      const text = this.#next;
      this.#next = undefined;
      const written = await this.#o.store.write(text).then(() => true, (error) => this.#failed(text, error));
      if (!written) break;
    }
    this.#writing = undefined;
  }

  #failed(text: string, error: unknown): false {
    this.#next ??= text;
    this.stop();
    this.#stopWaiting = this.#o.clock.after(WRITE_AGAIN, () => void (this.#writing ??= this.#writeAll()));
    this.#o.failed(error);
    return false;
  }

  /** Nothing is tried again from now on. */
  stop(): void {
    this.#stopWaiting?.();
  }
}
