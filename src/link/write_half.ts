import { Fifo } from "./fifo.ts";
import { MAX_CHUNK, STREAM_START } from "./limits.ts";
import type { Fresh } from "./sender.ts";

/** The outgoing direction of a byte stream: a queue, cut into chunks as far as the reader's credit goes. Pure. */
export class WriteHalf {
  /** `ended`: the end has left; `finished`: everything, the end too, has arrived. */
  state: "open" | "ending" | "ended" | "finished" | "reset" = "open";
  /** Bytes written and not yet cut; the writer holds back by it. */
  queued = 0;
  readonly #queue = new Fifo<Uint8Array>();
  /** Bytes of the queue's head that were cut already. */
  #taken = 0;
  #sent = 0;
  #limit = STREAM_START;
  readonly #stream: number;
  readonly #progress: () => void;

  /** `progress` is called whenever bytes left the queue and when everything has arrived. */
  constructor(stream: number, progress: () => void) {
    this.#stream = stream;
    this.#progress = progress;
  }

  get over(): boolean {
    return this.state === "finished" || this.state === "reset";
  }

  write(bytes: Uint8Array): void {
    if (this.state !== "open" || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.queued += bytes.length;
  }

  end(): void {
    if (this.state === "open") this.state = "ending";
  }

  /** Gives up what is queued. False when there was nothing to give up any more. */
  reset(): boolean {
    if (this.over) return false;
    this.state = "reset";
    this.#queue.clear();
    this.queued = 0;
    return true;
  }

  grant(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  next(): Fresh | undefined {
    if (this.queued > 0) return this.#cut();
    if (this.state !== "ending") return undefined;
    this.state = "ended";
    return { frame: { kind: "end", stream: this.#stream }, arrived: () => this.#finish() };
  }

  #cut(): Fresh | undefined {
    const size = Math.min(MAX_CHUNK, this.queued, this.#limit - this.#sent);
    // A sliver waits for more credit, unless it is all that is left to send.
    if (size <= 0 || (size < this.queued && size < MAX_CHUNK)) return undefined;
    const bytes = this.#gather(size);
    this.#sent += size;
    this.queued -= size;
    this.#progress();
    return { frame: { kind: "bytes", stream: this.#stream, bytes } };
  }

  #gather(size: number): Uint8Array {
    if (this.#queue.at(0)!.length - this.#taken >= size) return this.#split(size);
    const whole = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const part = this.#split(size - at);
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** At most `size` bytes of the queue's head. */
  #split(size: number): Uint8Array {
    const head = this.#queue.at(0)!;
    const part = head.subarray(this.#taken, this.#taken + size);
    this.#taken += part.length;
    if (this.#taken === head.length) {
      this.#queue.shift();
      this.#taken = 0;
    }
    return part;
  }

  #finish(): void {
    if (this.state !== "ended") return;
    this.state = "finished";
    this.#progress();
  }
}
