import type { Terminal } from "./terminal.ts";

/** Milliseconds between two looks at the progress. */
const INTERVAL = 500;

/** Bytes that went each way, shown on one line of a terminal while they go. */
export class Progress {
  sent = 0;
  received = 0;
  readonly #errors: Terminal["errors"];
  readonly #began = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(errors: Terminal["errors"]) {
    this.#errors = errors;
    if (errors.isTerminal) this.#timer = setInterval(() => this.#show(), INTERVAL);
  }

  /** `12.3 MB sent, 0 B received in 1.2 s, 10.2 MB/s` */
  summary(): string {
    const seconds = (performance.now() - this.#began) / 1_000;
    const rate = (this.sent + this.received) / Math.max(seconds, 0.001);
    return `${amount(this.sent)} sent, ${amount(this.received)} received in ${seconds.toFixed(1)} s, ${
      amount(rate)
    }/s`;
  }

  /** Leaves the line to others. */
  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#errors.write(CLEAR);
  }

  #show(): void {
    this.#errors.write(`${CLEAR}${this.summary()}`);
  }
}

/** Back to the beginning of the line, and erase it (ECMA-48 EL). */
const CLEAR = "\r\x1b[K";

/** Bytes in decimal units, three digits: `0 B`, `999 B`, `1.23 MB`. */
export function amount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1_000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}
