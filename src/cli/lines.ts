/**
 * Standard input in the pieces that become messages.
 *
 * @module
 */
import { MAX_SIZE } from "../link/limits.ts";
import { Failure } from "./failure.ts";

const NEWLINE = 10;

/**
 * The lines of a byte stream without their newlines, as they come: some at once. What
 * follows the last newline is a line if it is not empty.
 */
export async function* lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  const head = new Pieces("a line");
  for await (const chunk of input) {
    const found: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      head.add(chunk.subarray(start, end));
      found.push(head.take());
      start = end + 1;
    }
    if (found.length > 0) yield found;
    head.add(chunk.slice(start)); // kept until the next chunk: the source may use its buffer again
  }
  if (head.size > 0) yield [head.take()];
}

/** All of a byte stream. */
export async function everything(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces = new Pieces("standard input");
  for await (const chunk of input) pieces.add(chunk.slice()); // the source may use its buffer again
  return pieces.take();
}

/** Bytes that arrive in pieces and become one message. */
class Pieces {
  size = 0;
  #parts: Uint8Array[] = [];
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (this.size > MAX_SIZE) {
      throw new Failure(
        "too-large",
        `${this.#what} is larger than a message may be (16 MiB); send it through waymeet pipe`,
      );
    }
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  /** All of them, in a buffer of their own. */
  take(): Uint8Array {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.size = 0;
    return whole;
  }
}
