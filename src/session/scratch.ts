/** Bytes kept for the next time; what is larger is rare, and let go. */
const KEPT = 131_072;
const NONE = new Uint8Array(0);

/**
 * Bytes that are used again and again, for what a socket copies while it sends: fresh ones
 * cost a relay more to clear, and to collect, than to fill.
 */
export class Scratch {
  #bytes: Uint8Array = NONE;

  /** Where `size` bytes behind the first `at` belong; those stay. */
  space(at: number, size: number): Uint8Array {
    if (at + size > this.#bytes.length) this.#grow(at, at + size);
    return this.#bytes.subarray(at, at + size);
  }

  /** The first `size` bytes, which hold until {@link space} is called again. */
  taken(size: number): Uint8Array {
    const bytes = this.#bytes;
    if (bytes.length > KEPT) this.#bytes = NONE;
    return bytes.subarray(0, size);
  }

  #grow(used: number, size: number): void {
    const larger = new Uint8Array(size > KEPT ? size : KEPT);
    larger.set(this.#bytes.subarray(0, used));
    this.#bytes = larger;
  }
}
