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
import { AddressCounts } from "./address_counts.ts";

/**
 * The text form of a key. Whether it is a valid key costs hundreds of multiplications, which
 * a stranger does not get for a URL: the handshake checks the key and compares the claim.
 */
export const PEER_ID: RegExp = /^[a-z2-7]{51}[aq]$/;

const NOBODY: readonly string[] = [];

/**
 * Milliseconds for which a stranger may say nothing while others wait at the door: somebody at the other end of the
 * earth, whose packets take half of it, has answered. Places for silent strangers who come by the thousand would
 * else all be taken for `HANDSHAKE_STEP`, and nobody else could get in.
 */
const SILENCE = 500;

/** A stranger with a socket, which a hello has left by. */
export interface Received {
  handlers: SocketHandlers;
  /** Whether it has said nothing yet. */
  silent(): boolean;
  /** Ends its handshake: its place is another one's. */
  giveWay(): void;
}

/** Receives an admitted stranger's socket. */
export type Receive = (socket: Socket, admission: Admission) => Received;

/** Counts the handshakes under way. */
export class Doorway {
  readonly clock: Clock;
  readonly receive: Receive;
  #pending = 0;
  readonly #addresses = new AddressCounts();
  /** With a socket, in the order of their coming; who has spoken is taken out when it is in the way. */
  readonly #open = new Map<Admission, Received & { since: number }>();

  constructor(clock: Clock, receive: Receive) {
    this.clock = clock;
    this.receive = receive;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Those from one IPv4 address or IPv6 /64; of loopback none are counted. */
  pendingFrom(address: string): number {
    return this.#addresses.of(address);
  }

  /** A place, or `undefined` when `limit` of them are taken. */
  admit(
    limit: number,
    claimed: PeerId,
    address: string,
    sought: readonly string[] = NOBODY,
  ): Admission | undefined {
    if (this.#pending >= limit && !this.#makeRoom()) return undefined;
    this.#pending++;
    this.#addresses.enter(address);
    return new Admission(claimed, address, sought, this);
  }

  opened(admission: Admission, received: Received): void {
    this.#open.set(admission, { ...received, since: this.clock.now() });
  }

  /** Called once by each admission. */
  free(admission: Admission): void {
    this.#open.delete(admission);
    this.#addresses.leave(admission.address);
    this.#pending--;
  }

  /** Whoever has been silent for longest goes, if that is long enough. */
  #makeRoom(): boolean {
    for (const [admission, received] of this.#open) {
      if (this.clock.now() - received.since < SILENCE) return false;
      this.#open.delete(admission);
      if (!received.silent()) continue;
      admission.release();
      received.giveWay();
      return true;
    }
    return false;
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
  /** What the URL gives for ids of peers whose records it asks for. */
  readonly sought: readonly string[];
  /** Clock time, milliseconds. */
  readonly began: number;
  readonly #doorway: Doorway;
  readonly #stopWaiting: () => void;
  #state: "waiting" | "open" | "released" = "waiting";

  constructor(claimed: PeerId, address: string, sought: readonly string[], doorway: Doorway) {
    this.claimed = claimed;
    this.address = address;
    this.sought = sought;
    this.began = doorway.clock.now();
    this.#doorway = doorway;
    this.#stopWaiting = doorway.clock.after(HANDSHAKE_STEP, () => this.release());
  }

  /**
   * The socket is there. Call the handlers as methods of what this returns; `open` is
   * already done. `undefined` when the place was given up meanwhile: drop the socket.
   */
  open(socket: Socket): SocketHandlers | undefined {
    if (this.#state !== "waiting") return undefined;
    this.#state = "open";
    this.#stopWaiting();
    const received = this.#doorway.receive(socket, this);
    const { handlers } = received;
    this.#doorway.opened(this, received);
    handlers.open?.();
    return handlers;
  }

  /** The handshake is over, or never began. Again: nothing. */
  release(): void {
    if (this.#state === "released") return;
    this.#state = "released";
    this.#stopWaiting();
    this.#doorway.free(this);
  }
}
