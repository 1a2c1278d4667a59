import type { PeerId } from "../identity/peer_id.ts";
import { WaymeetError } from "../wire/error.ts";
import type { ByteStream } from "./byte_stream.ts";

/** Bytes written and not yet under way above which `writer.ready` waits. */
const HIGH_WATER = 262_144;

/**
 * A byte stream between two peers, multiplexed on a link, both ways. Bytes arrive in
 * order and once, whatever happens to the path. Each direction has its own credit: a
 * reader that stops reading stops this stream's writer and nothing else.
 *
 * `writable.close()` resolves when the other process has everything.
 *
 * @example
 * ```ts ignore
 * const stream = await link.openStream({ label: "photo.jpg" });
 * await file.stream().pipeTo(stream.writable);
 * ```
 */
export interface LinkStream {
  readonly id: number;
  /** What the side that opened it called it, at most 256 bytes. */
  readonly label: string;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Puts WHATWG streams on a {@link ByteStream}; `touched` is called when it has something to
 * send or to grant. Errors name the `peer`.
 */
export function webStream(stream: ByteStream, touched: () => void, peer?: PeerId): LinkStream {
  const reading = new Reading(stream, touched);
  const writing = new Writing(stream, touched);
  stream.events = {
    readable: () => reading.wake(),
    writable: () => writing.wake(),
    reset: (side, text) => (side === "writer" ? reading : writing).fail(broken(text, peer)),
  };
  return { id: stream.id, label: stream.label, readable: reading.web(), writable: writing.web() };
}

function broken(text: string, peer: PeerId | undefined): WaymeetError {
  const message = `the other side broke the stream off: ${text || "no reason given"}`;
  return new WaymeetError("closed", message, { peer });
}

class Reading {
  readonly #stream: ByteStream;
  readonly #touched: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: (() => void) | undefined;

  constructor(stream: ByteStream, touched: () => void) {
    this.#stream = stream;
    this.#touched = touched;
  }

  web(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: (controller) => this.#pull(controller),
      cancel: (why) => {
        this.#stream.reset("reader", textOf(why));
        this.#touched();
      },
    }, { highWaterMark: 0 });
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const next = this.#stream.read.read();
      if (next === "end") {
        controller.close();
        return this.#touched();
      }
      if (next) {
        controller.enqueue(next);
        return this.#touched();
      }
      if (this.#stream.read.state === "reset") return;
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  fail(error: Error): void {
    try {
      this.#controller?.error(error);
    } catch {
      // closed before: nothing to break
    }
    this.wake();
  }
}

class Writing {
  readonly #stream: ByteStream;
  readonly #touched: () => void;
  #controller: WritableStreamDefaultController | undefined;
  #error: Error | undefined;
  #waiting: (() => void) | undefined;

  constructor(stream: ByteStream, touched: () => void) {
    this.#stream = stream;
    this.#touched = touched;
  }

  web(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (controller) => this.#start(controller),
      write: (bytes) => this.#write(bytes),
      close: () => this.#close(),
      abort: (why) => this.#abort(why),
    });
  }

  /** The stream's own `abort` waits for the write under way, which may wait for the other side: the signal does not. */
  #start(controller: WritableStreamDefaultController): void {
    this.#controller = controller;
    const { signal } = controller;
    signal?.addEventListener("abort", () => this.#abort(signal.reason), { once: true });
  }

  #abort(why: unknown): void {
    if (this.#error) return;
    this.#error = why instanceof Error
      ? why
      : new WaymeetError("aborted", "the writer was aborted", { cause: why });
    this.#stream.reset("writer", textOf(why));
    this.#touched();
    this.wake();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("a link's stream takes Uint8Array chunks");
    this.#stream.write.write(new Uint8Array(bytes)); // the caller may fill its buffer anew
    this.#touched();
    await this.#until(() => this.#stream.write.queued < HIGH_WATER);
  }

  async #close(): Promise<void> {
    this.#stream.write.end();
    this.#touched();
    await this.#until(() => this.#stream.write.state === "finished");
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#controller?.error(error);
    this.wake();
  }
}

function textOf(why: unknown): string {
  return why instanceof Error ? why.message : why === undefined ? "" : String(why);
}
