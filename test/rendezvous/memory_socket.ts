/** Two ends of a connection in memory, with a queue that a test may let grow. */
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";

/** One end. What it sends arrives at the other end's handlers, as a copy, in a later turn. */
export class MemorySocket implements Socket {
  handlers: SocketHandlers | undefined;
  other!: MemorySocket;
  /** While true nothing that this end sends arrives: its queue grows. */
  stalled = false;
  closedWith: number | undefined;
  #queue: (Uint8Array | string)[] = [];
  #scheduled = false;

  get buffered(): number {
    return this.stalled ? this.#queue.reduce((sum, message) => sum + message.length, 0) : 0;
  }

  send(message: Uint8Array | string): number {
    if (this.closedWith !== undefined) return -1;
    this.#queue.push(typeof message === "string" ? message : message.slice());
    this.#schedule();
    return this.buffered;
  }

  release(): void {
    this.stalled = false;
    this.#schedule();
    this.handlers?.drain?.();
  }

  close(code: number, reason: string): void {
    if (this.closedWith !== undefined) return;
    this.closedWith = code;
    setTimeout(() => {
      this.#deliver();
      this.handlers?.closed(code, reason);
      if (this.other.closedWith !== undefined) return;
      this.other.closedWith = code;
      this.other.handlers?.closed(code, reason);
    });
  }

  terminate(): void {
    this.stalled = false;
    this.#queue = [];
    this.close(1006, "");
  }

  #schedule(): void {
    if (this.#scheduled || this.stalled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.stalled) return;
    const messages = this.#queue;
    this.#queue = [];
    for (const message of messages) this.other.handlers?.message(message);
  }
}

export function memorySockets(): [MemorySocket, MemorySocket] {
  const [one, other] = [new MemorySocket(), new MemorySocket()];
  one.other = other;
  other.other = one;
  return [one, other];
}
