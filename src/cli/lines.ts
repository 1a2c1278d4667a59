/**
 * Standard input in the pieces that become messages.
 *
 * @module
 */
import { MAX_SIZE } from "../link/limits.ts";
import { Failure } from "./failure.ts";

const NEWLINE = 10;

/** The lines of a byte stream without their newlines; what follows the last newline is a line if it is not empty. */
export async function* lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = new Pieces("a line");
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      head.add(chunk.subarray(start, end));
      yield head.whole();
      head = new Pieces("a line");
      start = end + 1;
    }
    head.add(chunk.subarray(start));
  }
  if (head.size > 0) yield head.whole();
}

/** All of a byte stream. */
export async function everything(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces = new Pieces("standard input");
  for await (const chunk of input) pieces.add(chunk);
  return pieces.whole();
}

/** Bytes that arrive in pieces and become one message. */
class Pieces {
  size = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (this.size > MAX_SIZE) {
      throw new Failure("too-large", `${this.#what} is larger than a message may be (16 MiB); send it through waymeet pipe`);
    }
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  /** A copy: the source may use its buffer again. */
  whole(): Uint8Array {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
