import { Fifo } from "./fifo.ts";
import { MAX_CHUNK, STREAM_START, STREAM_WINDOW } from "./limits.ts";

/** Bytes below which what arrives is gathered while nobody reads: each piece of memory costs a hundred bytes more. */
const SLIVER = 1_024;

/** The incoming direction of a byte stream: what has arrived and is unread, and the credit for more. Pure. */
export class ReadHalf {
  state: "open" | "ended" | "reset" = "open";
  readonly #arrived = new Fifo<Uint8Array>();
  /** Slivers that arrived last, behind everything in {@link arrived}. */
  #gathered = { bytes: new Uint8Array(0), filled: 0 };
  #received = 0;
  #unread = 0;
  #granted = STREAM_START;

  get over(): boolean {
    return this.state === "reset" || (this.state === "ended" && this.#unread === 0);
  }

  /** False: the other side overdrew its credit or wrote after its end. */
  take(bytes: Uint8Array): boolean {
    this.#received += bytes.length;
    if (this.#received > this.#granted || this.state === "ended") return false;
    if (this.state === "reset") return true; // was under way when we stopped reading
    this.#keep(bytes);
    this.#unread += bytes.length;
    return true;
  }

  #keep(bytes: Uint8Array): void {
    const { filled } = this.#gathered;
    if (bytes.length >= SLIVER || this.#unread === 0) {
      this.#flush();
      return this.#arrived.push(bytes);
    }
    if (filled + bytes.length > this.#gathered.bytes.length) this.#flush();
    if (this.#gathered.bytes.length === 0) this.#gathered = { bytes: new Uint8Array(MAX_CHUNK), filled: 0 };
    this.#gathered.bytes.set(bytes, this.#gathered.filled);
    this.#gathered.filled += bytes.length;
  }

  #flush(): void {
    const { bytes, filled } = this.#gathered;
    if (filled > 0) this.#arrived.push(bytes.subarray(0, filled));
    this.#gathered = { bytes: new Uint8Array(0), filled: 0 };
  }

  end(): void {
    if (this.state === "open") this.state = "ended";
  }

  /** We stop reading and drop what is unread. False when there was nothing to stop any more. */
  reset(): boolean {
    if (this.over) return false;
    this.state = "reset";
    this.#arrived.clear();
    this.#gathered.filled = 0;
    this.#unread = 0;
    return true;
  }

  /** The other side stops writing. False when it had finished: what has come whole can still be read. */
  breakOff(): boolean {
    return this.state === "open" && this.reset();
  }

  /** The next bytes, `"end"`, or `undefined` when nothing is there yet. */
  read(): Uint8Array | "end" | undefined {
    if (this.#arrived.length === 0) this.#flush();
    const bytes = this.#arrived.shift();
    if (bytes) {
      this.#unread -= bytes.length;
      return bytes;
    }
    return this.state === "ended" ? "end" : undefined;
  }

  /** A new credit worth telling, if any. */
  credit(): number | undefined {
    if (this.state !== "open") return undefined;
    const read = this.#received - this.#unread;
    const limit = read + (read > 0 ? STREAM_WINDOW : STREAM_START);
    if (limit - this.#granted < STREAM_START / 2) return undefined;
    this.#granted = limit;
    return limit;
  }
}
