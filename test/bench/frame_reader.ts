/** Finds frames in a stream of bytes, and only counts those whose content nobody needs. */

/** How a protocol divides a stream. */
export interface Framing {
  /** Bytes of the frame at `offset` with its head; 0 when more must arrive to tell that and {@link counts}. */
  length(bytes: Uint8Array, offset: number): number;
  /** How many relayed payloads the frame holds; 0 when it is another that must be read. */
  counts(bytes: Uint8Array, offset: number, length: number): number;
  /** A frame that must be read, as a view of this turn. */
  other(frame: Uint8Array): void;
}

export class FrameReader {
  readonly #framing: Framing;
  readonly #arrived: (count: number) => void;
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes still to come of a frame that is only counted, and how much it counts. */
  #skip = 0;
  #counts = 0;

  constructor(framing: Framing, arrived: (count: number) => void) {
    this.#framing = framing;
    this.#arrived = arrived;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    let offset = 0;
    let arrived = 0;
    while (true) {
      const taken = Math.min(this.#skip, bytes.length - offset);
      this.#skip -= taken;
      offset += taken;
      if (this.#skip > 0) break;
      arrived += this.#counts;
      this.#counts = 0;
      const length = this.#next(bytes, offset);
      if (length === 0) break;
      offset += length;
    }
    this.#rest = bytes.slice(offset);
    if (arrived > 0) this.#arrived(arrived);
  }

  /** Bytes of a frame that has been read; 0 with nothing left to skip when more must arrive. */
  #next(bytes: Uint8Array, offset: number): number {
    const length = offset < bytes.length ? this.#framing.length(bytes, offset) : 0;
    if (length === 0) return 0;
    const counts = this.#framing.counts(bytes, offset, length);
    if (counts > 0) return this.#skipFrame(length, counts, bytes.length - offset);
    if (offset + length > bytes.length) return 0;
    this.#framing.other(bytes.subarray(offset, offset + length));
    return length;
  }

  #skipFrame(length: number, counts: number, there: number): number {
    const taken = Math.min(length, there);
    this.#skip = length - taken;
    this.#counts = counts;
    return taken;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
