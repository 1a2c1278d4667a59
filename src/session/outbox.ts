import { MAX_BATCH, MAX_MESSAGE } from "../wire/limits.ts";
import { concatFrames } from "../wire/sequence.ts";
import { SHORT } from "./turn.ts";
import type { Socket } from "./socket.ts";

/**
 * Frames that leave together at the end of this turn of the event loop: a WebSocket message
 * costs a runtime about 5 µs, whatever it holds. A long one leaves at once and alone: copying it
 * costs more, and a node passes none of a message on before it has all of it.
 */
export class Outbox {
  socket: Socket | undefined;
  /** Bytes that wait. */
  size = 0;
  #frames: Uint8Array[] | undefined;

  /** The frame MUST NOT change before it left. Throws a `RangeError` for one that no message holds. */
  add(frame: Uint8Array): void {
    if (frame.length > MAX_MESSAGE) {
      throw new RangeError(`a frame has at most ${MAX_MESSAGE} bytes, not ${frame.length}`);
    }
    if (this.size + frame.length > MAX_MESSAGE || this.#frames?.length === MAX_BATCH) this.flush();
    if (frame.length > SHORT && this.socket) {
      this.flush();
      this.socket.send(frame);
      return;
    }
    if (this.#frames === undefined) {
      this.#frames = [];
      queueMicrotask(() => this.flush());
    }
    this.#frames.push(frame);
    this.size += frame.length;
  }

  flush(): void {
    const frames = this.#frames;
    if (frames === undefined) return;
    this.clear();
    this.socket?.send(frames.length === 1 ? frames[0]! : concatFrames(frames));
  }

  clear(): void {
    this.#frames = undefined;
    this.size = 0;
  }
}
