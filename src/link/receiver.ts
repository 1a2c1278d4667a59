/**
 * The receiving half of a conversation: puts numbered frames back in order, drops
 * what came twice, and says what has arrived. Pure.
 *
 * @module
 */
import { encodeAck, type Numbered } from "./frames.ts";
import { ACK_BYTES, ACK_DELAY, MAX_AHEAD, MAX_AHEAD_BYTES, MAX_RANGES } from "./limits.ts";
import { Ranges } from "./ranges.ts";

export class Receiver {
  /** The lowest number that has not arrived. */
  #next = 1;
  readonly #ranges = new Ranges();
  readonly #ahead = new Map<number, Numbered>();
  #aheadBytes = 0;
  #ackAt = Infinity;
  #lastAck = -Infinity;
  #pendingBytes = 0;
  /** Something came twice: the acknowledgement of it may have been lost. Whoever looks takes it back. */
  repeated = false;

  /** When an acknowledgement wants to leave, on the caller's clock. */
  get deadline(): number {
    return this.#ackAt;
  }

  /**
   * Takes in one frame that cost `bytes`; returns those that are now in order.
   * A frame beyond what may wait is dropped without acknowledgement: it comes again.
   */
  accept(frame: Numbered, bytes: number, now: number): Numbered[] {
    this.#pendingBytes += bytes;
    if (frame.seq < this.#next || this.#ranges.has(frame.seq)) {
      this.repeated = true;
      return this.#hurry(now);
    }
    if (frame.seq > this.#next) {
      if (this.#hasRoom(bytes)) this.#keep(frame, bytes);
      return this.#hurry(now);
    }
    this.#schedule(now);
    return this.#release(frame);
  }

  #hasRoom(bytes: number): boolean {
    return this.#ahead.size < MAX_AHEAD && this.#aheadBytes + bytes <= MAX_AHEAD_BYTES;
  }

  #keep(frame: Numbered, bytes: number): void {
    this.#ranges.add(frame.seq);
    this.#ahead.set(frame.seq, frame);
    this.#aheadBytes += bytes;
  }

  #release(frame: Numbered): Numbered[] {
    const ready = [frame];
    this.#next++;
    for (let more = this.#ahead.get(this.#next); more; more = this.#ahead.get(this.#next)) {
      this.#ahead.delete(this.#next++);
      this.#aheadBytes -= "bytes" in more ? more.bytes.length : 0;
      ready.push(more);
    }
    if (ready.length > 1) this.#ranges.dropBelow(this.#next);
    return ready;
  }

  /** A gap or a duplicate: the sender should know at once. */
  #hurry(now: number): Numbered[] {
    this.#ackAt = now;
    return [];
  }

  /** The first frame after a pause is acknowledged at once, a flow of them every few milliseconds. */
  #schedule(now: number): void {
    const due = this.#pendingBytes >= ACK_BYTES ? now : Math.max(now, this.#lastAck + ACK_DELAY);
    this.#ackAt = Math.min(this.#ackAt, due);
  }

  /** Says what has arrived, asked or not (a path came up, the other side seems lost). */
  demand(now: number): void {
    this.#ackAt = now;
  }

  /** What has arrived, due or not. */
  lastWord(): Uint8Array {
    return encodeAck(this.#next, this.#ranges.first(MAX_RANGES));
  }

  /** The acknowledgement, when it is due. */
  acknowledgement(now: number): Uint8Array | undefined {
    if (now < this.#ackAt) return undefined;
    this.#ackAt = Infinity;
    this.#lastAck = now;
    this.#pendingBytes = 0;
    return this.lastWord();
  }
}
