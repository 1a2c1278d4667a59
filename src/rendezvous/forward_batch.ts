import { dataEnd, KEY_SIZE } from "../wire/data_frame.ts";
import { HOPS_OFFSET, setHops, SOURCE_OFFSET } from "../wire/forward_frame.ts";
import { frameEnd } from "../wire/sequence.ts";
import { copy } from "./gather.ts";
import type { NodeLink } from "./node_link.ts";

/** Bytes that a forward frame is longer than its data frame: hops, and a second key with its head. */
export const GROWTH = 35;
/** Bytes before the head of the destination: what all frames of one source have in common. */
const HEAD: number = SOURCE_OFFSET + KEY_SIZE;

/** Frames of one message that leave for one neighbour. */
export class ForwardBatch {
  readonly link: NodeLink;
  /** Where runs of frames lie, each run with the same hops. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #frames: number[] = [];
  readonly #hops: number[] = [];
  frames = 0;
  /** Bytes as they leave. */
  size = 0;

  constructor(link: NodeLink) {
    this.link = link;
  }

  /**
   * So many frames behind each other at `start`…`end`, each of which will be `growth` bytes longer and may go on
   * for `hops` after the next node.
   */
  add(start: number, end: number, frames: number, growth: number, hops: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
    this.#frames.push(frames);
    this.#hops.push(hops);
    this.frames += frames;
    this.size += end - start + frames * growth;
  }

  /** Where each frame begins in its message. */
  *starts(message: Uint8Array): IterableIterator<number> {
    for (let run = 0; run < this.#starts.length; run++) {
      for (let at = this.#starts[run]!; at < this.#ends[run]!; at = frameEnd(message, at)) yield at;
    }
  }

  /** Forward frames, as they came, into `bytes` that have the size. */
  join(message: Uint8Array, bytes: Uint8Array): void {
    let at = 0;
    for (let i = 0; i < this.#starts.length; i++) {
      setHops(message, this.#starts[i]!, this.#hops[i]!);
      at = copy(message, this.#starts[i]!, this.#ends[i]!, bytes, at);
    }
  }

  /** Data frames of one source, as forward frames, into `bytes` that have the size. */
  wrap(message: Uint8Array, source: Uint8Array, bytes: Uint8Array): void {
    let at = 0;
    for (let run = 0; run < this.#starts.length; run++) at = this.#wrapRun(run, message, source, bytes, at);
  }

  /** All frames are copied at once, to where the last one belongs; then each moves to its own place, before what is left. */
  #wrapRun(run: number, message: Uint8Array, source: Uint8Array, bytes: Uint8Array, begin: number): number {
    const [start, end, hops] = [this.#starts[run]!, this.#ends[run]!, this.#hops[run]!];
    const shift = begin + this.#frames[run]! * GROWTH;
    copy(message, start, end, bytes, shift);
    let at = begin;
    for (let next = shift; at < next;) {
      const frame = next;
      next = dataEnd(bytes, frame);
      // Behind the head is the data frame from the head of its key on: `58 20 destination payload`.
      if (at + GROWTH < frame) bytes.copyWithin(at + HEAD, frame + 2, next);
      if (at > 0) bytes.copyWithin(at, 0, HEAD); // the same for all
      else writeHead(bytes, source);
      bytes[at + HOPS_OFFSET] = hops;
      at += next - frame + GROWTH;
    }
    return at;
  }
}

function writeHead(bytes: Uint8Array, source: Uint8Array): void {
  bytes[0] = 0x85;
  bytes[1] = 0x01;
  bytes[3] = 0x58;
  bytes[4] = 0x20;
  bytes.set(source, SOURCE_OFFSET);
}
