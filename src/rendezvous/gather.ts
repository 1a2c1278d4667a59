/**
 * The frames of one incoming message, sorted by destination. The frames to one
 * destination leave in one message: as a view of the incoming bytes when they lie
 * behind each other, otherwise copied together. All bookkeeping is in arrays that are
 * used again, so that no frame costs an allocation.
 *
 * @module
 */
import { dataEnd } from "../wire/data_frame.ts";
import { MAX_BATCH } from "../wire/limits.ts";
import type { Seat } from "./registry.ts";
import { Scratch } from "../session/scratch.ts";

/** Below this many bytes a loop is quicker than making a view to copy from. */
const SHORT = 128;
/** Where frames are joined that a socket copies at once: one for all. */
const SCRATCH = new Scratch();

/** Where frames go: what is being gathered for it has this number. */
export interface Destination {
  slot: number;
}

export class Gather<D extends Destination = Seat> {
  /** How many destinations have frames. */
  count = 0;
  readonly #destinations: D[] = [];
  readonly #sizes = new Int32Array(MAX_BATCH);
  readonly #frames = new Int32Array(MAX_BATCH);
  /** First and last segment of each destination, and the one behind each segment. */
  readonly #first = new Int32Array(MAX_BATCH);
  readonly #last = new Int32Array(MAX_BATCH);
  readonly #behind = new Int32Array(MAX_BATCH);
  readonly #starts = new Int32Array(MAX_BATCH);
  readonly #ends = new Int32Array(MAX_BATCH);
  #segments = 0;

  /** `frames` behind each other, at most `MAX_BATCH` in all of one message. */
  add(destination: D, start: number, end: number, frames = 1): void {
    let slot = destination.slot;
    if (slot >= this.count || this.#destinations[slot] !== destination) slot = this.#open(destination);
    this.#sizes[slot]! += end - start;
    this.#frames[slot]! += frames;
    const last = this.#last[slot]!;
    if (last >= 0 && this.#ends[last] === start) this.#ends[last] = end;
    else this.#append(slot, last, start, end);
  }

  destination(slot: number): D {
    return this.#destinations[slot]!;
  }

  size(slot: number): number {
    return this.#sizes[slot]!;
  }

  frames(slot: number): number {
    return this.#frames[slot]!;
  }

  /** The bytes for one destination; if the socket `copies` them, they hold only until the next ones are made. */
  batch(slot: number, message: Uint8Array, copies: boolean): Uint8Array {
    const first = this.#first[slot]!;
    const whole = this.#ends[first]! - this.#starts[first]!;
    if (whole === message.length) return message;
    if (whole === this.#sizes[slot]) return message.subarray(this.#starts[first], this.#ends[first]);
    const size = this.#sizes[slot]!;
    if (!copies) return this.#join(slot, message, new Uint8Array(size));
    this.#join(slot, message, SCRATCH.space(0, size));
    return SCRATCH.taken(size);
  }

  /** Where the data frames for one destination begin. */
  *starts(slot: number, message: Uint8Array): IterableIterator<number> {
    for (let segment = this.#first[slot]!; segment >= 0; segment = this.#behind[segment]!) {
      const end = this.#ends[segment]!;
      for (let at = this.#starts[segment]!; at < end; at = dataEnd(message, at)) yield at;
    }
  }

  clear(): void {
    for (let slot = 0; slot < this.count; slot++) this.#destinations.pop();
    this.count = 0;
    this.#segments = 0;
  }

  #open(destination: D): number {
    const slot = this.count++;
    destination.slot = slot;
    this.#destinations.push(destination);
    this.#sizes[slot] = 0;
    this.#frames[slot] = 0;
    this.#last[slot] = -1;
    return slot;
  }

  #append(slot: number, last: number, start: number, end: number): void {
    const segment = this.#segments++;
    this.#starts[segment] = start;
    this.#ends[segment] = end;
    this.#behind[segment] = -1;
    if (last < 0) this.#first[slot] = segment;
    else this.#behind[last] = segment;
    this.#last[slot] = segment;
  }

  #join(slot: number, message: Uint8Array, joined: Uint8Array): Uint8Array {
    let at = 0;
    for (let segment = this.#first[slot]!; segment >= 0; segment = this.#behind[segment]!) {
      at = copy(message, this.#starts[segment]!, this.#ends[segment]!, joined, at);
    }
    return joined;
  }
}

/**
 * Whether the frames for one destination now wait for the end of this turn, with others'. Only where no
 * bytes wait in the socket: then no queue can grow too long, and no share of it has to be known.
 */
export function gathers(gather: Gather, slot: number, message: Uint8Array): boolean {
  const { session, waiting } = gather.destination(slot);
  if (waiting > 0 || !session.gathers(gather.size(slot))) return false;
  session.gather(gather.batch(slot, message, false), gather.frames(slot));
  return true;
}

/** Returns the offset behind what was copied. */
export function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start > SHORT) to.set(from.subarray(start, end), at);
  else for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]!;
  return at + end - start;
}
