import type { Clock } from "../../src/session/clock.ts";
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";

/** How a pair carries messages. */
export interface PairOptions {
  /** Milliseconds one way. Default 0: in the next microtask. */
  delay?: number;
}

/** One end of a WebSocket in memory. */
export class PairEnd implements Socket {
  handlers: SocketHandlers | undefined;
  /** Everything this end sent, copied, as it stood when it was sent. */
  readonly sent: (Uint8Array | string)[] = [];
  closedWith: { code: number; reason: string } | undefined;
  buffered = 0;
  terminated = false;
  /** While true, what this end sends is lost without a word, as on a dead line. */
  cut = false;
  other!: PairEnd;
  #over = false;
  readonly #carry: (run: () => void) => void;

  constructor(carry: (run: () => void) => void) {
    this.#carry = carry;
  }

  send(message: Uint8Array | string): number {
    if (this.#over || this.closedWith) return -1;
    const copy = typeof message === "string" ? message : message.slice();
    this.sent.push(copy);
    if (!this.cut) this.#carry(() => this.other.#hear(typeof copy === "string" ? copy : copy.slice()));
    return 0;
  }

  close(code: number, reason: string): void {
    if (this.#over || this.closedWith) return;
    if (code !== 1000 && (code < 3000 || code > 4999)) throw new RangeError(`close code ${code}`);
    this.closedWith = { code, reason };
    if (this.cut) return;
    this.#carry(() => {
      this.other.lose(code, reason);
      if (!this.other.cut) this.#carry(() => this.lose(code, reason));
    });
  }

  terminate(): void {
    this.terminated = true;
    this.lose(1006, "");
    if (!this.cut) this.#carry(() => this.other.lose(1006, ""));
  }

  /** This end learns that the socket is closed. */
  lose(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.handlers?.closed(code, reason);
  }

  #hear(message: Uint8Array | string): void {
    if (!this.#over) this.handlers?.message(message);
  }
}

/** Two joined ends. Messages are copied and keep their order. */
export function socketPair(clock: Clock, { delay = 0 }: PairOptions = {}): [PairEnd, PairEnd] {
  const carry = (run: () => void) => void (delay === 0 ? queueMicrotask(run) : clock.after(delay, run));
  const [a, b] = [new PairEnd(carry), new PairEnd(carry)];
  a.other = b;
  b.other = a;
  return [a, b];
}
