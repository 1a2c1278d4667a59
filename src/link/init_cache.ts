/**
 * Message 1 of a handshake, once. A node can record an init packet and send it again;
 * its payload must not be delivered twice (protocol rule 6). Across a restart the link
 * key is another one and the replay does not open. Within a process this cache knows it.
 *
 * It fails closed: when it cannot remember, it does not accept.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { hash } from "./hkdf.ts";

/**
 * Milliseconds by which the timestamp in a message 1 may differ from our clock, which its sender
 * knows to some seconds: 60 s for a clock that was set meanwhile, and 30 s on the way (a peer
 * whose node is failing over sends the same message again for that long).
 */
export const INIT_WINDOW = 90_000;
/** Milliseconds after which a handshake that was begun and never decided is given up. */
export const INIT_PENDING = 10_000;

/** Bounds of a cache. */
export interface InitLimits {
  /** Message 1 remembered in all; 8,192 in the 90 s an honest one is kept are 91 a second. */
  total: number;
  /** Message 1 remembered of one source: one peer cannot use up the whole. */
  perSource: number;
  /** Handshakes under way in all: each holds up to 64 KiB and costs four X25519. */
  pending: number;
  /** Handshakes under way of one source. */
  pendingPerSource: number;
}

/** What suits a process with some thousands of links. */
export const INIT_LIMITS: InitLimits = { total: 8_192, perSource: 1_024, pending: 256, pendingPerSource: 8 };

/** A message 1 that is new: read it, then decide. */
export interface OpenInit {
  /**
   * Call with the timestamp of the opened payload, before anything of it is delivered.
   * `true`: new and remembered from now on. `false`: too old, too far ahead, decided too
   * late or accepted before; deliver nothing.
   */
  accept(timestamp: number): boolean;
  /** The packet that answers it, and every repetition of it. Ends the handshake's pending state. */
  answer(response: Uint8Array): void;
  /** It did not open or its record is wrong: forgotten. After `accept` it stays remembered, unanswered. */
  abandon(): void;
}

export type Begun =
  | { kind: "begun"; init: OpenInit }
  /** Seen and answered: send the same answer again, deliver nothing. */
  | { kind: "repeated"; response: Uint8Array }
  /** Seen and not answered, or from another source than first: say nothing. */
  | { kind: "seen" }
  /** No room: say nothing, or `refused`. */
  | { kind: "busy"; why: "source" | "total" };

interface Entry {
  source: string;
  /** Monotonic milliseconds at which it was begun. */
  began: number;
  pending: boolean;
  /** Set once accepted. */
  timestamp: number | undefined;
  response: Uint8Array | undefined;
}
interface Count {
  kept: number;
  pending: number;
}

/**
 * @example
 * ```ts
 * const begun = cache.begin(packet.message, sourceId);
 * if (begun.kind === "repeated") return send(begun.response);
 * if (begun.kind !== "begun") return;
 * const response = respond({ prologue, static: linkKey, message: packet.message });
 * if (response === undefined) return begun.init.abandon();
 * if (!begun.init.accept(timestampOf(response.payload))) return;
 * begun.init.answer(writeResponse(packet.handshake, response.write(answer).message));
 * ```
 */
export class InitCache {
  readonly #clock: Clock;
  readonly #limits: InitLimits;
  readonly #entries: Map<string, Entry> = new Map();
  readonly #counts: Map<string, Count> = new Map();
  #pending = 0;
  /** Monotonic milliseconds. */
  #swept = -Infinity;
  /**
   * The latest timestamp ever forgotten: nothing up to it is accepted any more. Without
   * it, a clock that is set back would open the window for what was forgotten.
   */
  #floor = -Infinity;

  constructor(clock: Clock, limits: InitLimits = INIT_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Message 1 remembered or under way. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Looks a Noise message 1 up (without the packet's header: that is not authenticated,
   * so a replay could bear another one) and reserves its place. `source`: the id of the
   * peer that the frame names.
   */
  begin(message: Uint8Array, source: string): Begun {
    if (this.#clock.now() - this.#swept >= INIT_PENDING) this.sweep();
    const key = keyOf(message);
    const known = this.#entries.get(key);
    if (known !== undefined) return repeated(known, source);
    const why = this.#lacksRoom(source);
    return why === undefined ? { kind: "begun", init: this.#reserve(key, source) } : { kind: "busy", why };
  }

  #lacksRoom(source: string): "source" | "total" | undefined {
    if (this.#over(source) !== undefined) this.sweep();
    return this.#over(source);
  }

  #over(source: string): "source" | "total" | undefined {
    const { total, perSource, pending, pendingPerSource } = this.#limits;
    if (this.#entries.size >= total || this.#pending >= pending) return "total";
    const own = this.#counts.get(source);
    return own && (own.kept >= perSource || own.pending >= pendingPerSource) ? "source" : undefined;
  }

  #reserve(key: string, source: string): OpenInit {
    const entry: Entry = {
      source,
      began: this.#clock.now(),
      pending: true,
      timestamp: undefined,
      response: undefined,
    };
    this.#entries.set(key, entry);
    const count = this.#counts.get(source) ?? { kept: 0, pending: 0 };
    this.#counts.set(source, { kept: count.kept + 1, pending: count.pending + 1 });
    this.#pending++;
    const decide = () => {
      if (entry.timestamp === undefined) this.#forget(key, entry);
      else this.#settle(entry);
    };
    return {
      accept: (timestamp) => this.#accept(key, entry, timestamp),
      answer: (response) => {
        entry.response = response;
        decide();
      },
      abandon: decide,
    };
  }

  #accept(key: string, entry: Entry, timestamp: number): boolean {
    if (this.#entries.get(key) !== entry || entry.timestamp !== undefined) return false;
    const inside = Math.abs(timestamp - this.#clock.wall()) <= INIT_WINDOW && timestamp > this.#floor;
    if (inside) entry.timestamp = timestamp;
    else this.#forget(key, entry);
    return inside;
  }

  /** Drops what the window refuses by itself now, and what was never decided. */
  sweep(): void {
    const wall = this.#clock.wall();
    const now = this.#swept = this.#clock.now();
    for (const [key, entry] of this.#entries) {
      if (entry.timestamp === undefined) {
        if (now - entry.began >= INIT_PENDING) this.#forget(key, entry);
      } else if (wall - entry.timestamp > INIT_WINDOW) {
        this.#floor = Math.max(this.#floor, entry.timestamp);
        this.#forget(key, entry);
      }
    }
  }

  /** It is under way no longer. */
  #settle(entry: Entry): void {
    if (!entry.pending) return;
    entry.pending = false;
    this.#pending--;
    this.#counts.get(entry.source)!.pending--;
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#settle(entry);
    this.#entries.delete(key);
    const count = this.#counts.get(entry.source)!;
    if (--count.kept === 0) this.#counts.delete(entry.source);
  }
}

function repeated(entry: Entry, source: string): Begun {
  return entry.response !== undefined && entry.source === source
    ? { kind: "repeated", response: entry.response }
    : { kind: "seen" };
}

function keyOf(message: Uint8Array): string {
  return String.fromCharCode(...hash(message));
}
