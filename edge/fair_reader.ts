/** Bytes that one socket may bring before others had their turn. */
const QUANTUM = 65_536;
/** What a message costs besides its bytes, as bytes: a flood is of small ones. */
const MESSAGE_COST = 64;

const waiting: FairReader[] = [];

function readOn(): void {
  waiting.shift()!.readOn();
  if (waiting.length > 0) setImmediate(readOn);
}

/**
 * A socket that is not read while it had more than its share, in a runtime that reads much from one before it looks
 * at the next (Bun: ten times 512 KiB, Node's libuv 32 times 64 KiB). One of those that wait goes on in each turn of
 * the event loop: between two of their reads everybody else is heard, however many they are. Measured on Bun, with
 * eight peers flooding a node that had a tenth of a core: words of others took 1.1 s (p99 2.9 s) without, 0.03 s
 * (p99 0.1 s) with it, and the flood got through as fast.
 */
export abstract class FairReader {
  /** Bytes since the others had their turn. */
  #taken = 0;
  #reading = true;

  /** Stops reading; what was read already may still arrive. MUST NOT throw, neither does {@link resume}. */
  protected abstract pause(): void;
  protected abstract resume(): void;

  /** A message of that many bytes came. */
  protected took(bytes: number): void {
    this.#taken += bytes + MESSAGE_COST;
    if (this.#taken >= QUANTUM && this.#reading) this.#wait();
  }

  #wait(): void {
    this.#reading = false;
    this.pause();
    if (waiting.push(this) === 1) setImmediate(readOn);
  }

  readOn(): void {
    this.#reading = true;
    this.#taken = 0;
    this.resume();
  }
}
