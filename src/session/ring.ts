/**
 * A ring of bytes in memory that two processes share, one of which writes and the other reads: the system
 * has no part in it but to wake who sleeps, and each side is told when it has to see to that.
 *
 * Each side stores what it did before it looks whether the other one sleeps, and says that it sleeps before it looks
 * once more for something to do: in whatever order that happens, one of the two sees it (Dekker's algorithm;
 * `Atomics` are sequentially consistent).
 *
 * @module
 */

/** Bytes for the four words of the two sides, each in a cache line of its own. */
const CONTROL = 256;
/** Which 32-bit words they are. Positions count on for ever, modulo 2^32. */
const [HEAD, TAIL, READER_SLEEPS, WRITER_SLEEPS] = [0, 16, 32, 48] as const;

/** Bytes of memory for a ring that holds `capacity` bytes. */
export function ringSize(capacity: number): number {
  return CONTROL + capacity;
}

/** What both sides have. */
abstract class Ring {
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;

  /** The words that tell whether this side sleeps, and whether the other one does. */
  readonly #sleeping: readonly [own: number, others: number];

  /**
   * In memory that begins as zeros, at a multiple of four.
   *
   * @throws {RangeError} when its length is not the {@link ringSize} of a power of two.
   */
  protected constructor(
    { buffer, byteOffset, length }: Uint8Array,
    sleeping: readonly [own: number, others: number],
  ) {
    this.#sleeping = sleeping;
    const capacity = length - CONTROL;
    if (capacity <= 0 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`a ring holds a power of two of bytes, not ${capacity}`);
    }
    this.words = new Int32Array(buffer, byteOffset, CONTROL / 4);
    this.bytes = new Uint8Array(buffer, byteOffset + CONTROL, capacity);
  }

  /** Whether there is nothing to do until the other side did something. */
  protected abstract idle(): boolean;

  /** Whether the other side sleeps and is to be woken, which is said once. */
  wakes(): boolean {
    return this.#takeBell(this.#sleeping[1]);
  }

  /** Whether the other side will wake this one, since it is idle; false: there is something to do. */
  sleeps(): boolean {
    const [own] = this.#sleeping;
    Atomics.store(this.words, own, 1);
    return this.idle() || !this.#takeBell(own);
  }

  /** Whether the side of that word slept and nobody has woken it yet: who asks has to. */
  #takeBell(word: number): boolean {
    return Atomics.load(this.words, word) === 1 && Atomics.exchange(this.words, word, 0) === 1;
  }
}

export class RingWriter extends Ring {
  #head: number = Atomics.load(this.words, HEAD);

  constructor(memory: Uint8Array) {
    super(memory, [WRITER_SLEEPS, READER_SLEEPS]);
  }

  /** Puts as many of `bytes` as there is room for, and returns how many. The reader sees them after {@link commit}. */
  put(bytes: Uint8Array): number {
    const size = Math.min(bytes.length, this.#room());
    const start = this.#head & this.bytes.length - 1;
    const first = Math.min(size, this.bytes.length - start);
    this.bytes.set(first === bytes.length ? bytes : bytes.subarray(0, first), start);
    if (first < size) this.bytes.set(bytes.subarray(first, size), 0);
    this.#head = this.#head + size | 0;
    return size;
  }

  commit(): void {
    Atomics.store(this.words, HEAD, this.#head);
  }

  /** There is no room. */
  protected idle(): boolean {
    return this.#room() === 0;
  }

  /** None, too, when the reader claims to have read what was never there. */
  #room(): number {
    return Math.max(0, this.bytes.length - ((this.#head - Atomics.load(this.words, TAIL)) >>> 0));
  }
}

export class RingReader extends Ring {
  /** What was handed out, and what of it is given back. */
  #tail: number = Atomics.load(this.words, TAIL);

  constructor(memory: Uint8Array) {
    super(memory, [READER_SLEEPS, WRITER_SLEEPS]);
  }

  /**
   * The next bytes that lie behind each other, none when there are none, as a view that holds until {@link release};
   * `undefined` when the writer claims to have written more than there is room for.
   */
  read(): Uint8Array | undefined {
    const size = this.#filled();
    if (size > this.bytes.length) return undefined;
    const start = this.#tail & this.bytes.length - 1;
    const bytes = this.bytes.subarray(start, start + size); // no further than to its end
    this.#tail = this.#tail + bytes.length | 0;
    return bytes;
  }

  /** Gives back all that {@link read} returned. */
  release(): void {
    Atomics.store(this.words, TAIL, this.#tail);
  }

  /** There is nothing to read. */
  protected idle(): boolean {
    return this.#filled() === 0;
  }

  #filled(): number {
    return (Atomics.load(this.words, HEAD) - this.#tail) >>> 0;
  }
}
