/**
 * Messages over a stream of bytes: each behind its length, each answered. An answer is the count of
 * all that have come, four bytes, one for each piece of the stream that held the end of a message.
 *
 * @module
 */

const WORD = 4;

export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(WORD + message.length);
  new DataView(bytes.buffer).setUint32(0, message.length);
  bytes.set(message, WORD);
  return bytes;
}

/** Reads messages out of pieces, and says how many there were. */
export class Receiver {
  #count = 0;
  #head = new Uint8Array(0);
  /** Bytes of the present message that have not come. */
  #missing = 0;
  readonly #answer: (bytes: Uint8Array) => void;

  constructor(answer: (bytes: Uint8Array) => void) {
    this.#answer = answer;
  }

  take(piece: Uint8Array): void {
    const before = this.#count;
    for (let rest = piece; rest.length > 0;) rest = this.#missing > 0 ? this.#body(rest) : this.#length(rest);
    if (this.#count === before) return;
    const answer = new Uint8Array(WORD);
    new DataView(answer.buffer).setUint32(0, this.#count);
    this.#answer(answer);
  }

  #body(bytes: Uint8Array): Uint8Array {
    const taken = Math.min(this.#missing, bytes.length);
    this.#missing -= taken;
    if (this.#missing === 0) this.#count++;
    return bytes.subarray(taken);
  }

  #length(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, WORD - this.#head.length);
    this.#head = Uint8Array.of(...this.#head, ...taken);
    if (this.#head.length === WORD) {
      this.#missing = new DataView(this.#head.buffer).getUint32(0);
      this.#head = new Uint8Array(0);
      if (this.#missing === 0) this.#count++;
    }
    return bytes.subarray(taken.length);
  }
}

/** Promises that the answers keep. */
export class Receipts {
  readonly #waiting: (() => void)[] = [];
  #kept = 0;
  #rest = new Uint8Array(0);

  promise(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  take(piece: Uint8Array): void {
    const bytes = Uint8Array.of(...this.#rest, ...piece);
    const whole = bytes.length - bytes.length % WORD;
    this.#rest = bytes.slice(whole);
    if (whole === 0) return;
    const count = new DataView(bytes.buffer).getUint32(whole - WORD);
    for (const keep of this.#waiting.splice(0, count - this.#kept)) keep();
    this.#kept = count;
  }
}
