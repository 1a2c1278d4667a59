/**
 * One WebSocket as the protocol sees it: the port that each runtime fills
 * (`edge/` for nodes, `src/peer/platform*.ts` for dialers).
 */
export interface Socket {
  /**
   * Queues one message. Returns the bytes that wait in this socket's queue after the
   * call (0 = handed to the kernel), or -1 when the message is lost because the socket
   * is closed or its queue is full. MUST NOT throw, MUST NOT change `message`, and MUST
   * NOT read it after the caller's turn of the event loop unless it counts it as queued.
   */
  send(message: Uint8Array | string): number;
  /** Whether `send` has copied the message when it returns: its bytes may be used again. */
  readonly copies?: boolean;
  /** Bytes that wait in this socket's queue. */
  readonly buffered: number;
  /** Begins the closing handshake. `code` is 1000 or 3000–4999. MUST NOT throw; closing twice does nothing. */
  close(code: number, reason: string): void;
  /** Drops the connection without waiting for the other side. */
  terminate(): void;
}

/** What a {@link Socket} tells its owner. Handlers MUST NOT throw. */
export interface SocketHandlers {
  open?(): void;
  /**
   * The receiver may overwrite `message`, which MUST NOT be a Node `Buffer`: what is sliced from one is no
   * copy, so that a key taken from a frame would change with the next.
   */
  message(message: Uint8Array | string): void;
  /** The queue fell to zero after `send` had reported bytes waiting. */
  drain?(): void;
  /** Exactly once, also when the connection never opened. */
  closed(code: number, reason: string): void;
}

/** Dials a WebSocket with the subprotocol. MUST report failure through `handlers.closed`, never throw. */
export type Connect = (url: string, handlers: SocketHandlers) => Socket;
