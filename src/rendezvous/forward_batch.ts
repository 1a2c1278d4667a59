import { KEY_SIZE } from "../wire/data_frame.ts";
import { HOPS_OFFSET, setHops, SOURCE_OFFSET } from "../wire/forward_frame.ts";
import { copy } from "./gather.ts";
import type { NodeLink } from "./node_link.ts";

/** Bytes that a forward frame is longer than its data frame: hops, and a second key with its head. */
export const GROWTH = 35;
/** Bytes before the head of the destination: what all frames of one source have in common. */
const HEAD: number = SOURCE_OFFSET + KEY_SIZE;

/** Frames of one message that leave for one neighbour. */
export class ForwardBatch {
  readonly link: NodeLink;
  readonly starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #hops: number[] = [];
  /** Bytes as they leave. */
  size = 0;

  constructor(link: NodeLink) {
    this.link = link;
  }

  /** The frame at `start`…`end`, which will be `growth` bytes longer and may go on for `hops` after the next node. */
  add(start: number, end: number, growth: number, hops: number): void {
    this.starts.push(start);
    this.#ends.push(end);
    this.#hops.push(hops);
    this.size += end - start + growth;
  }

  /** Forward frames, as they came, into `bytes` that have the size. */
  join(message: Uint8Array, bytes: Uint8Array): void {
    let at = 0;
    for (let i = 0; i < this.starts.length; i++) {
      setHops(message, this.starts[i]!, this.#hops[i]!);
      at = copy(message, this.starts[i]!, this.#ends[i]!, bytes, at);
    }
  }

  /** Data frames of one source, as forward frames, into `bytes` that have the size. */
  wrap(message: Uint8Array, source: Uint8Array, bytes: Uint8Array): void {
    bytes[0] = 0x85;
    bytes[1] = 0x01;
    bytes[3] = 0x58;
    bytes[4] = 0x20;
    bytes.set(source, SOURCE_OFFSET);
    let at = 0;
    for (let i = 0; i < this.starts.length; i++) {
      if (at > 0) bytes.copyWithin(at, 0, HEAD); // the same for all
      bytes[at + HOPS_OFFSET] = this.#hops[i]!;
      // The rest is the data frame from the head of its key on: `58 20 destination payload`.
      at = copy(message, this.starts[i]! + 2, this.#ends[i]!, bytes, at + HEAD);
    }
  }
}
