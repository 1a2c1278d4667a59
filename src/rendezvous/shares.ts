/**
 * Whose bytes wait in one peer's queue, so that no sender takes all of it (protocol rule 11).
 *
 * The rule is the dynamic threshold of Choudhury and Hahne (IEEE/ACM ToN, 1998): a source
 * may hold as many bytes as are free afterwards. One source alone therefore fills at most
 * half of the queue, two a third each, and somebody new always finds room.
 *
 * Kept only while a queue is long: a socket empties first in, first out, so when it reports
 * fewer bytes than this ledger knows, the oldest entries have left.
 *
 * @module
 */

/** Most entries of the ledger: beyond, a queue of tiny batches counts as full. */
const MAX_ENTRIES = 4096;

/** The ledger of one queue. `S` is whatever names a source. */
export class Shares<S> {
  readonly #held = new Map<S, number>();
  /** A ring grows to at most `MAX_ENTRIES` pairs (source, bytes). */
  #sources: S[] = [];
  #sizes: number[] = [];
  #first = 0;
  #total = 0;

  /** Whether `source` may add `size` bytes when `free` bytes of the queue are free. */
  allows(source: S, size: number, free: number): boolean {
    if (this.#sources.length - this.#first >= MAX_ENTRIES) return false;
    return (this.#held.get(source) ?? 0) + size <= free - size;
  }

  add(source: S, size: number): void {
    const last = this.#sources.length - 1;
    if (last >= this.#first && this.#sources[last] === source) this.#sizes[last]! += size;
    else this.#append(source, size);
    this.#held.set(source, (this.#held.get(source) ?? 0) + size);
    this.#total += size;
  }

  /** The socket reports that `waiting` bytes are left. */
  settle(waiting: number): void {
    while (this.#total > waiting) {
      this.#shrinkFirst(Math.min(this.#sizes[this.#first]!, this.#total - waiting));
    }
  }

  #append(source: S, size: number): void {
    if (this.#first > MAX_ENTRIES) this.#compact();
    this.#sources.push(source);
    this.#sizes.push(size);
  }

  #shrinkFirst(size: number): void {
    const source = this.#sources[this.#first]!;
    const held = this.#held.get(source)! - size;
    if (held === 0) this.#held.delete(source);
    else this.#held.set(source, held);
    this.#sizes[this.#first]! -= size;
    this.#total -= size;
    if (this.#sizes[this.#first] === 0) this.#first++;
  }

  #compact(): void {
    this.#sources = this.#sources.slice(this.#first);
    this.#sizes = this.#sizes.slice(this.#first);
    this.#first = 0;
  }
}
