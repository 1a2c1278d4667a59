/** Whoever reads standard output has gone (`EPIPE`): no failure of ours. */
export class OutputGone extends Error {
  override readonly name = "OutputGone";

  constructor() {
    super("whoever read the output has gone");
  }
}

interface Waiting {
  bytes: Uint8Array;
  done(error?: Error): void;
}

/** Bytes that go to the system in one piece. */
const PIECE = 65_536;

/**
 * Standard output that never holds up the event loop: what is written waits here until the
 * reader takes it. Who writes much awaits the promise, or looks at {@link Output.pending}.
 */
export class Output {
  /** Bytes that wait for the reader. */
  pending: number = 0;
  readonly isTerminal: boolean;
  /** Rejects when a write has failed: for who does not await each. */
  readonly failed: Promise<never>;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #queue: Waiting[] = [];
  #writing = false;
  #broken: Error | undefined;
  #fail!: (error: Error) => void;

  /** `write` MUST resolve when the system has all bytes. It is not called again before. */
  constructor(write: (bytes: Uint8Array) => Promise<void>, isTerminal: boolean = false) {
    this.#write = write;
    this.isTerminal = isTerminal;
    this.failed = new Promise((_, reject) => this.#fail = reject);
    this.failed.catch(() => {});
  }

  /** Resolves when the system has the bytes. Rejects with {@link OutputGone}, or why it cannot take them. */
  write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const written = new Promise<void>((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      this.pending += bytes.length;
      this.#queue.push({ bytes, done: (error) => error ? reject(error) : resolve() });
    });
    written.catch(() => {}); // who does not wait for it hears of it at the next write, or by `failed`
    if (!this.#writing) void this.#run();
    return written;
  }

  /** Writes one line of JSON. */
  json(value: Record<string, unknown>): Promise<void> {
    return this.write(`${JSON.stringify(value)}\n`);
  }

  async #run(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) {
      const piece = this.#take();
      const error = this.#broken ?? await this.#put(piece);
      for (const { bytes, done } of piece) {
        this.pending -= bytes.length;
        done(error);
      }
    }
    this.#writing = false;
  }

  /** Some small writes at once, or one large. */
  #take(): Waiting[] {
    let size = 0;
    const end = this.#queue.findIndex(({ bytes }) => (size += bytes.length) > PIECE);
    return this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(1, end));
  }

  async #put(piece: Waiting[]): Promise<Error | undefined> {
    try {
      await this.#write(joined(piece));
      return undefined;
    } catch (error) {
      this.#broken = isGone(error) ? new OutputGone() : error as Error;
      this.#fail(this.#broken);
      return this.#broken;
    }
  }
}

function joined(piece: Waiting[]): Uint8Array {
  if (piece.length === 1) return piece[0]!.bytes;
  const whole = new Uint8Array(piece.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of piece) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

function isGone(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_STREAM_DESTROYED";
}
