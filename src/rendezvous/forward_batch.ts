import { KEY_SIZE } from "../wire/data_frame.ts";
import { SOURCE_OFFSET } from "../wire/forward_frame.ts";
import type { NodeLink } from "./node_link.ts";

/** Bytes that a forward frame is longer than its data frame: hops, and a second key with its head. */
export const GROWTH = 35;

/** Frames of one message that leave for one neighbour. */
export class ForwardBatch {
  readonly link: NodeLink;
  readonly starts: number[] = [];
  readonly #ends: number[] = [];
  /** Bytes as they leave. */
  size = 0;

  constructor(link: NodeLink) {
    this.link = link;
  }

  /** The frame at `start`…`end`, which will be `growth` bytes longer. */
  add(start: number, end: number, growth: number): void {
    this.starts.push(start);
    this.#ends.push(end);
    this.size += end - start + growth;
  }

  /** Forward frames, as they came. */
  joined(message: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (let i = 0; i < this.starts.length; i++) {
      const frame = message.subarray(this.starts[i], this.#ends[i]);
      bytes.set(frame, at);
      at += frame.length;
    }
    return bytes;
  }

  /** Data frames of one source, as forward frames. */
  wrapped(message: Uint8Array, source: Uint8Array, hops: number): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (let i = 0; i < this.starts.length; i++) {
      bytes[at] = 0x85;
      bytes[at + 1] = 0x01;
      bytes[at + 2] = hops;
      bytes[at + 3] = 0x58;
      bytes[at + 4] = 0x20;
      bytes.set(source, at + SOURCE_OFFSET);
      // The rest is the data frame from the head of its key on: `58 20 destination payload`.
      const rest = message.subarray(this.starts[i]! + 2, this.#ends[i]);
      bytes.set(rest, at + SOURCE_OFFSET + KEY_SIZE);
      at += SOURCE_OFFSET + KEY_SIZE + rest.length;
    }
    return bytes;
  }
}
