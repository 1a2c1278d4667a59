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

/** Dials with the given constructor, whose sockets copy what they send, if that is said. */
export function connectWith(WebSocket: WebSocketConstructor, options: { copies?: boolean } = {}): Connect {
  return (url, handlers) =>
    new WebSocketPort(new WebSocket(url, SUBPROTOCOL), handlers, options.copies === true);
}

class WebSocketPort implements Socket {
  readonly #socket: WebSocketLike;
  #handlers: SocketHandlers | undefined;
  #trouble = "";
  readonly copies: boolean;

  constructor(socket: WebSocketLike, handlers: SocketHandlers, copies: boolean) {
    this.#socket = socket;
    this.copies = copies;
    this.#handlers = handlers;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#handlers?.open?.();
    socket.onmessage = ({ data }: { data: ArrayBuffer | string }) =>
      this.#handlers?.message(typeof data === "string" ? data : new Uint8Array(data));
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
