import type { Clock } from "../session/clock.ts";
import { MAX_BATCH, MAX_MESSAGE } from "../wire/limits.ts";
import { concatFrames } from "../wire/sequence.ts";
import { Scratch } from "../session/scratch.ts";

/** Bytes that leave at once: a WebSocket message costs about 5 µs, and what is larger gains little by company. */
const FULL = 16_384;
/** The same where they are gathered without being copied once more: then company pays for longer. */
const FULL_IN_PLACE = 65_536;

/** Where what departs goes. */
export interface Outlet {
  /** See {@link Socket.copies}. */
  readonly copies: boolean;
  sendBatch(message: Uint8Array): void;
}

/**
 * What goes to a neighbour in one turn of the event loop, from however many peers: it
 * leaves as one message. So a frame between two nodes costs less than one of each of them.
 */
export class Departures {
  readonly #clock: Clock;
  readonly #outlet: () => Outlet;
  /** Where the frames are gathered, if the socket will copy them. */
  readonly #scratch = new Scratch();
  /** Otherwise each batch has bytes of its own. */
  #batches: Uint8Array[] = [];
  #frames = 0;
  #size = 0;
  readonly #leave = (): void => this.flush();

  constructor(clock: Clock, outlet: () => Outlet) {
    this.#clock = clock;
    this.#outlet = outlet;
  }

  /** Takes `frames` frames of `size` bytes in all, which `write` puts there at once. */
  add(size: number, frames: number, write: (bytes: Uint8Array) => void): void {
    if (this.#frames + frames > MAX_BATCH || this.#size + size > MAX_MESSAGE) this.flush();
    const isFirst = this.#frames === 0;
    const { copies } = this.#outlet();
    write(copies ? this.#scratch.space(this.#size, size) : this.#own(size));
    this.#frames += frames;
    this.#size += size;
    const full = copies ? FULL_IN_PLACE : FULL;
    if (this.#size >= full || this.#clock.soon === undefined) this.flush();
    else if (isFirst) this.#clock.soon(this.#leave);
  }

  flush(): void {
    const size = this.#size;
    if (size === 0) return;
    const batches = this.#batches;
    this.#frames = this.#size = 0;
    if (batches.length === 0) return this.#outlet().sendBatch(this.#scratch.taken(size));
    this.#batches = [];
    this.#outlet().sendBatch(batches.length === 1 ? batches[0]! : concatFrames(batches));
  }

  #own(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    this.#batches.push(bytes);
    return bytes;
  }
}
