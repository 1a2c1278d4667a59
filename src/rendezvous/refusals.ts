/**
 * What could not be delivered from one incoming message: the sender gets one notice for
 * each destination and reason. Frames are cheap to aim at nobody, so their answer is
 * never larger than they were.
 *
 * @module
 */
import { KEY_SIZE } from "../wire/data_frame.ts";
import { encodeNotice } from "../wire/frames.ts";
import type { Reason } from "../wire/protocol.ts";
import { isKeyAt, type Seat } from "./registry.ts";

interface Refusal {
  reason: Reason;
  destination: Uint8Array;
}

export class Refusals {
  #refused: Refusal[] = [];

  /** The destination's key lies at `offset` of `bytes`, and is copied. */
  add(reason: Reason, bytes: Uint8Array, offset: number): void {
    for (const refusal of this.#refused) {
      if (refusal.reason === reason && isKeyAt(refusal.destination, bytes, offset)) return;
    }
    this.#refused.push({ reason, destination: bytes.slice(offset, offset + KEY_SIZE) });
  }

  get some(): boolean {
    return this.#refused.length > 0;
  }

  /**
   * Tells the sender, unless it does not read what it is told: then its queue is full
   * already, and notices would be what grows in it.
   */
  tell(sender: Seat, queue: number): void {
    const refused = this.#refused;
    this.#refused = [];
    if (!sender.live || sender.session.buffered > queue) return;
    for (const { reason, destination } of refused) sender.session.send(encodeNotice(reason, destination));
  }
}
