import type { Clock } from "../session/clock.ts";
import { MAX_BATCH } from "../wire/limits.ts";
import { concatFrames } from "../wire/sequence.ts";

/** Bytes that leave at once: a WebSocket message costs about 5 µs, and what is larger gains little by company. */
const FULL = 16_384;

/**
 * What goes to a neighbour in one turn of the event loop, from however many peers: it
 * leaves as one message. So a frame between two nodes costs less than one of each of them.
 */
export class Departures {
  readonly #clock: Clock;
  readonly #send: (message: Uint8Array) => void;
  #batches: Uint8Array[] = [];
  #frames = 0;
  #size = 0;
  readonly #leave = (): void => this.flush();

  constructor(clock: Clock, send: (message: Uint8Array) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Takes `frames` frames; they MUST NOT change before they left. */
  add(batch: Uint8Array, frames: number): void {
    if (this.#frames + frames > MAX_BATCH) this.flush();
    this.#batches.push(batch);
    this.#frames += frames;
    this.#size += batch.length;
    if (this.#size >= FULL || this.#clock.soon === undefined) this.flush();
    else if (this.#batches.length === 1) this.#clock.soon(this.#leave);
  }

  flush(): void {
    const batches = this.#batches;
    if (batches.length === 0) return;
    this.#batches = [];
    this.#frames = this.#size = 0;
    this.#send(batches.length === 1 ? batches[0]! : concatFrames(batches));
  }
}
