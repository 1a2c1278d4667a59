import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { Emitter } from "../session/emitter.ts";
import type { WaymeetError } from "../wire/error.ts";
import { sighted, type Turn, unheard, UNKNOWN, waited, type Whereabouts } from "./whereabouts.ts";

/** Where a watched peer is. */
export interface Sight {
  /** `unknown` until a node has answered. */
  state: "unknown" | "online" | "offline";
  /** The node that it is at, when online. */
  node: PeerId | undefined;
}

export interface WatchOptions {
  /**
   * Milliseconds that a peer may be gone before it counts as `offline`; back by then, it
   * only `moved`, or nothing happened. Default 2,000.
   */
  patience?: number;
}

export interface WatchEvents {
  online: { node: PeerId };
  /** It is at another node now. */
  moved: { node: PeerId };
  offline: Record<never, never>;
  /** The node does not let this peer watch that one: `over-quota`, `over-capacity`. */
  refused: { error: WaymeetError };
}

/**
 * Tells where another peer is, as far as the nodes know: as events, or by iterating,
 * which yields the state now and then each newer one. A reader that is slow gets the
 * latest state, not each between.
 *
 * While this peer has no node itself nothing changes; what changed meanwhile is told
 * when the next node has answered.
 *
 * @example
 * ```ts ignore
 * using watch = peer.watch(friendId);
 * for await (const { state } of watch) console.log(state); // "online", "offline", …
 * ```
 */
export class Watch extends Emitter<WatchEvents> implements AsyncIterable<Sight>, Disposable {
  readonly peer: PeerId;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #release: (watch: Watch) => void;
  #whereabouts: Whereabouts = UNKNOWN;
  #cancel: (() => void) | undefined;
  #closed = false;
  #refusal: WaymeetError | undefined;
  /** Counts changes. */
  #version = 0;
  #waiting: (() => void)[] = [];

  /** Watches come from `Peer.watch`. */
  constructor(peer: PeerId, clock: Clock, patience: number, release: (watch: Watch) => void) {
    super();
    this.peer = peer;
    this.#clock = clock;
    this.#patience = patience;
    this.#release = release;
  }

  get state(): Sight["state"] {
    const { state } = this.#whereabouts;
    return state === "missing" ? "online" : state;
  }

  /** The node that the peer is at, when online. */
  get node(): PeerId | undefined {
    return "node" in this.#whereabouts ? this.#whereabouts.node : undefined;
  }

  /** Ends the watch, and iterations over it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel?.();
    this.#release(this);
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The state now, if it is known, and each later one; throws when the node refuses. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Sight, void, undefined> {
    for (let seen = 0;;) {
      if (this.#refusal) throw this.#refusal;
      if (this.#closed) return;
      if (this.#version === seen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      else {
        seen = this.#version;
        yield { state: this.state, node: this.node };
      }
    }
  }

  // What the nodes say.

  sighted(node: PeerId | undefined): void {
    this.#refusal = undefined;
    this.#turn(sighted(this.#whereabouts, node, this.#clock.now(), this.#patience));
    if (this.#whereabouts.state !== "missing") this.#rest();
    else this.#wait(this.#whereabouts.until);
  }

  #wait(until: number): void {
    this.#cancel ??= this.#clock.after(Math.max(1, until - this.#clock.now()), () => this.#late());
  }

  /** The node that spoke is lost. */
  unheard(): void {
    this.#rest();
    this.#whereabouts = unheard(this.#whereabouts);
  }

  refused(error: WaymeetError): void {
    this.#refusal = error;
    this.emit("refused", { error });
    this.#wake();
  }

  #late(): void {
    this.#cancel = undefined;
    this.#turn(waited(this.#whereabouts, this.#clock.now()));
    // Timers of some runtimes ring up to a millisecond before the clock says so.
    if (this.#whereabouts.state === "missing") this.#wait(this.#whereabouts.until);
  }

  #rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #turn({ after, news }: Turn): void {
    this.#whereabouts = after;
    if (news === undefined) return;
    this.#version++;
    if (news === "offline") this.emit("offline", {});
    else this.emit(news, { node: this.node! });
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
