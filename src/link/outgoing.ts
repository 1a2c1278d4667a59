import type { WaymeetError } from "../wire/error.ts";

/**
 * Where a message stands. `delivered`: the other process holds it. `processed`: the
 * application there called `message.ack()`; a ✓ shown to a person should mean this.
 */
export type MessageStatus = "queued" | "sent" | "delivered" | "processed" | "failed";

/** When a message reached each status, milliseconds since 1970. */
export type StatusTimes = Partial<Record<MessageStatus, number>>;

/** What `send()` resolves with. */
export interface Delivery {
  /** 32 hex digits: the message's id, the same on both sides. */
  id: string;
  times: StatusTimes;
}

/** A message on its way out. */
export class Outgoing {
  readonly id: Uint8Array;
  #data: Uint8Array;
  /** Whether the sender wants to hear `processed`. */
  readonly asks: boolean;
  readonly times: StatusTimes;
  status: MessageStatus = "queued";
  /** Why it failed, when it did. */
  reason: WaymeetError | undefined;
  /** Called after each change of status. */
  onStatus: ((outgoing: Outgoing) => void) | undefined;

  /** The proof of the topic in which it is said, if it is. */
  readonly tag: Uint8Array | undefined;

  constructor(id: Uint8Array, data: Uint8Array, asks: boolean, wall: number, tag?: Uint8Array) {
    this.id = id;
    this.#data = data;
    this.asks = asks;
    this.tag = tag;
    this.times = { queued: wall };
  }

  /** The application's own bytes, until {@link copy}. */
  get data(): Uint8Array {
    return this.#data;
  }

  /** From now on the application may change what it gave. */
  copy(): void {
    this.#data = new Uint8Array(this.#data);
  }

  /** Whether its fate is known: it will not be sent (again). */
  get settled(): boolean {
    return this.status === "delivered" || this.status === "processed" || this.status === "failed";
  }

  advance(status: MessageStatus, wall: number, reason?: WaymeetError): void {
    if (RANK[status] <= RANK[this.status]) return;
    if (status === "failed" && this.settled) return;
    this.status = status;
    this.times[status] = wall;
    this.reason = reason;
    this.onStatus?.(this);
  }
}

/** A message never goes back: sent again, it stays `sent`. */
const RANK: Record<MessageStatus, number> = { queued: 0, sent: 1, delivered: 2, processed: 3, failed: 4 };
