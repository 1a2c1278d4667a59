/**
 * The standard `WebSocket` (WHATWG) behind the {@link Socket} port: browsers, Bun,
 * workerd, and the npm package `ws`, which has the same face.
 *
 * @module
 */
import type { Connect, Socket, SocketHandlers } from "./socket.ts";
import { SUBPROTOCOL } from "../wire/protocol.ts";

/** As much of the standard `WebSocket` as is used here. */
interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array | string): void;
  close(code?: number, reason?: string): void;
  /** Of the npm package `ws`. */
  terminate?(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
}
export type WebSocketConstructor = new (url: string, protocols: string) => WebSocketLike;

const OPEN = 1;

/** What its sockets do, beyond the standard's. */
export interface WebSocketTraits {
  /** They copy what they send. */
  copies?: boolean;
  /** A type beside the standard's in which they give messages at less cost, and how to read it. */
  binary?: { type: string; read(data: never): Uint8Array };
}

const STANDARD: NonNullable<WebSocketTraits["binary"]> = {
  type: "arraybuffer",
  read: (data) => new Uint8Array(data),
};

/** Dials with the given constructor. */
export function connectWith(WebSocket: WebSocketConstructor, traits: WebSocketTraits = {}): Connect {
  return (url, handlers) => new WebSocketPort(new WebSocket(url, SUBPROTOCOL), handlers, traits);
}

class WebSocketPort implements Socket {
  readonly #socket: WebSocketLike;
  #handlers: SocketHandlers | undefined;
  #trouble = "";
  readonly copies: boolean;

  constructor(
    socket: WebSocketLike,
    handlers: SocketHandlers,
    { copies = false, binary = STANDARD }: WebSocketTraits,
  ) {
    this.#socket = socket;
    this.copies = copies;
    this.#handlers = handlers;
    socket.binaryType = binary.type;
    socket.onopen = () => this.#handlers?.open?.();
    socket.onmessage = ({ data }: { data: string }) =>
      this.#handlers?.message(typeof data === "string" ? data : binary.read(data));
    socket.onerror = ({ message }: { message?: string }) => void (this.#trouble = message ?? "");
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      this.#ended(code, reason || this.#trouble);
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array | string): number {
    if (this.#socket.readyState !== OPEN) return -1;
    this.#socket.send(message);
    return this.#socket.bufferedAmount;
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState > OPEN) return;
    this.#socket.close(code, reason);
  }

  /** Browsers have no way to drop a connection: the owner is told at once, the socket closes behind it. */
  terminate(): void {
    if (this.#socket.terminate) this.#socket.terminate();
    else if (this.#socket.readyState <= OPEN) this.#socket.close();
    this.#ended(1006, "terminated");
  }

  #ended(code: number, reason: string): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.closed(code, reason);
  }
}
