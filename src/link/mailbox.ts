/**
 * Messages of a conversation, both ways: cut into chunks on the way out, put
 * together on the way in, and the credit that lets a slow reader slow its sender.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { MessageChunk, MoreChunk, Unnumbered } from "./frames.ts";
import { MAX_CHUNK, MESSAGE_COST, MESSAGE_WINDOW } from "./limits.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Fresh, Source } from "./sender.ts";
import { joinBytes } from "../wire/join_bytes.ts";

/** A message that has arrived whole. */
export interface Incoming {
  id: Uint8Array;
  data: Uint8Array;
  /** Whether its sender waits for `processed`. */
  asks: boolean;
  /** The proof of the topic in which it was said, if it was. */
  tag?: Uint8Array;
}

/** Messages going out, in the order they were given. */
export class Outbox implements Source {
  /** What was withdrawn stays in the queue, and is skipped: it is not {@link waiting}. */
  readonly #queue = new Fifo<Outgoing>();
  /** Nothing of these has left. */
  readonly #waiting = new Set<Outgoing>();
  /** Sent in part or whole, and not delivered: in sending order. */
  readonly #under = new Set<Outgoing>();
  #offset = 0;
  #charged = 0;
  #limit = MESSAGE_WINDOW;
  readonly #delivered: (message: Outgoing) => void;
  readonly #departed: (message: Outgoing) => void;

  constructor(events: { departed(message: Outgoing): void; delivered(message: Outgoing): void }) {
    this.#departed = events.departed;
    this.#delivered = events.delivered;
  }

  add(message: Outgoing): void {
    this.#queue.push(message);
    this.#waiting.add(message);
  }

  /** Takes back a message of which nothing has left. */
  withdraw(message: Outgoing): boolean {
    return this.#waiting.delete(message);
  }

  /** What has not been delivered, oldest first. */
  get undelivered(): Outgoing[] {
    return [...this.#under, ...this.#waiting];
  }

  get empty(): boolean {
    return this.#waiting.size === 0 && this.#under.size === 0;
  }

  /** Whether the last byte of everything has left. */
  get drained(): boolean {
    return this.#waiting.size === 0 && this.#offset === 0;
  }

  grant(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  next(): Fresh | undefined {
    const message = this.#head();
    if (!message) return undefined;
    const overhead = this.#offset === 0 ? MESSAGE_COST : 0;
    const credit = this.#limit - this.#charged - overhead;
    const wanted = Math.min(MAX_CHUNK, message.data.length - this.#offset);
    // Chunks are not cut to fit the credit: slivers would cost more than the wait.
    if (credit < wanted) return undefined;
    return this.#cut(message, wanted, overhead);
  }

  #head(): Outgoing | undefined {
    for (;;) {
      const message = this.#queue.at(0);
      if (!message || this.#offset > 0 || this.#waiting.has(message)) return message;
      this.#queue.shift();
    }
  }

  #cut(message: Outgoing, size: number, overhead: number): Fresh {
    const { id, data, asks, tag } = message;
    const bytes = data.subarray(this.#offset, this.#offset + size);
    const frame: Unnumbered = this.#offset === 0
      ? { kind: "message", id, size: data.length, asks, bytes, ...tag && { tag } }
      : { kind: "more", bytes };
    this.#charged += size + overhead;
    this.#offset += size;
    this.#waiting.delete(message);
    this.#under.add(message);
    if (this.#offset < data.length) return { frame };
    this.#queue.shift();
    this.#offset = 0;
    this.#departed(message);
    return { frame, arrived: () => this.#arrive(message) };
  }

  #arrive(message: Outgoing): void {
    this.#under.delete(message);
    this.#delivered(message);
  }
}

/** Messages coming in. A protocol violation is a value: `"violation"`. */
export class Inbox {
  /**
   * Holds what has come, not what was announced: a lie about the size costs its teller,
   * not us. Only the last chunk may be short: a million single bytes would cost us a
   * hundred million.
   */
  #building:
    | { head: MessageChunk; size: number; parts: Uint8Array[]; filled: number }
    | undefined;
  #charged = 0;
  #unread = 0;
  #granted = MESSAGE_WINDOW;

  /** Takes in a chunk; returns the message it completes, if any. */
  take(chunk: MessageChunk | MoreChunk): Incoming | undefined | "violation" {
    this.#charged += chunk.bytes.length + (chunk.kind === "message" ? MESSAGE_COST : 0);
    if (this.#charged > this.#granted) return "violation";
    if (chunk.kind === "more") return this.#continue(chunk);
    if (this.#building) return "violation";
    if (chunk.bytes.length === chunk.size) return this.#finish(chunk, chunk.bytes);
    this.#building = { head: chunk, size: chunk.size, parts: [], filled: 0 };
    return this.#continue(chunk);
  }

  #continue(chunk: MessageChunk | MoreChunk): Incoming | undefined | "violation" {
    const building = this.#building;
    if (!building || chunk.bytes.length !== Math.min(MAX_CHUNK, building.size - building.filled)) {
      return "violation";
    }
    building.parts.push(chunk.bytes);
    building.filled += chunk.bytes.length;
    if (building.filled < building.size) return undefined;
    this.#building = undefined;
    return this.#finish(building.head, joinBytes(building.parts));
  }

  #finish({ id, asks, tag }: MessageChunk, data: Uint8Array): Incoming {
    this.#unread += data.length + MESSAGE_COST;
    return { id, data, asks, ...tag && { tag } };
  }

  /** The application took a message of this size. */
  read(size: number): void {
    this.#unread -= size + MESSAGE_COST;
  }

  /**
   * A new credit worth telling, if any. A message still being put together does not
   * count as unread: otherwise one larger than the window could never arrive.
   */
  credit(): number | undefined {
    const limit = this.#charged + MESSAGE_WINDOW - Math.min(this.#unread, MESSAGE_WINDOW);
    if (limit - this.#granted < MESSAGE_WINDOW / 4) return undefined;
    this.#granted = limit;
    return limit;
  }
}
