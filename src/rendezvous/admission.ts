/**
 * Places for handshakes under way. One is taken at the upgrade, before anything is
 * allocated for the stranger, and given back exactly once, whichever way it goes.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { HANDSHAKE_STEP } from "../wire/limits.ts";

/** Receives an admitted stranger's socket. */
export type Receive = (socket: Socket, admission: Admission) => SocketHandlers;

/** Counts the handshakes under way. */
export class Doorway {
  #pending = 0;

  get pending(): number {
    return this.#pending;
  }

  /** A place, or `undefined` when `limit` of them are taken. */
  admit(limit: number, claimed: PeerId, address: string, clock: Clock, receive: Receive): Admission | undefined {
    if (this.#pending >= limit) return undefined;
    this.#pending++;
    return new Admission(claimed, address, clock, receive, () => this.#pending--);
  }
}

/**
 * One upgrade that may go ahead. The adapter calls {@link open} with the socket, or
 * {@link release} when the upgrade failed; when it does neither, the place is free
 * again after `HANDSHAKE_STEP`.
 */
export class Admission {
  readonly claimed: PeerId;
  readonly address: string;
  readonly #receive: Receive;
  readonly #free: () => void;
  readonly #stopWaiting: () => void;
  #state: "waiting" | "open" | "released" = "waiting";

  constructor(claimed: PeerId, address: string, clock: Clock, receive: Receive, free: () => void) {
    this.claimed = claimed;
    this.address = address;
    this.#receive = receive;
    this.#free = free;
    this.#stopWaiting = clock.after(HANDSHAKE_STEP, () => this.release());
  }

  /**
   * The socket is there. Call the handlers as methods of what this returns; `open` is
   * already done. `undefined` when the place was given up meanwhile: drop the socket.
   */
  open(socket: Socket): SocketHandlers | undefined {
    if (this.#state !== "waiting") return undefined;
    this.#state = "open";
    this.#stopWaiting();
    const handlers = this.#receive(socket, this);
    handlers.open?.();
    return handlers;
  }

  /** The handshake is over, or never began. Again: nothing. */
  release(): void {
    if (this.#state === "released") return;
    this.#state = "released";
    this.#stopWaiting();
    this.#free();
  }
}
