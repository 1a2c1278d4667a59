/**
 * Messages that were posted on a link and whose fate is still open: bounded by their
 * deadlines and signals, told when they arrive, failed when the link ends.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { WaymeetError, type WaymeetErrorCode } from "../wire/error.ts";
import { Outgoing } from "./outgoing.ts";
import { type Posted, PostedMessage } from "./posted.ts";

export interface PostOptions {
  /** Milliseconds within which the message must be delivered; 0: fail at once unless the peer is there. Default: as long as the link lives. */
  deadline?: number;
  signal?: AbortSignal;
  /** Ask to hear when the application there acknowledged the message (`processed`). */
  asks?: boolean;
  /** 16 bytes instead of random ones: an application that stores messages sends one again under its id. */
  id?: Uint8Array;
  /** The proof of the topic in which it is said. */
  tag?: Uint8Array;
  /** Called after each change of status. */
  onStatus?: (posted: Posted) => void;
}

export class Posts {
  readonly #open = new Map<Outgoing, PostedMessage>();
  /** Those whose sender waits for `processed`, by id: an application may post one again under its id. */
  readonly #asking = new Map<string, Set<PostedMessage>>();
  readonly #peer: PeerId;
  readonly #clock: Clock;
  /** Takes a message back of which nothing has left. */
  readonly #withdraw: (message: Outgoing) => boolean;

  constructor(peer: PeerId, clock: Clock, withdraw: (message: Outgoing) => boolean) {
    this.#peer = peer;
    this.#clock = clock;
    this.#withdraw = withdraw;
  }

  /** A message that fails at once, when there is a `refusal`, or waits to be sent. */
  add(
    id: Uint8Array,
    data: Uint8Array,
    options: PostOptions,
    refusal: WaymeetError | undefined,
  ): PostedMessage {
    const outgoing = new Outgoing(id, data, options.asks ?? false, this.#clock.wall(), options.tag);
    const posted = new PostedMessage(outgoing, options.onStatus);
    if (refusal) outgoing.advance("failed", this.#clock.wall(), refusal);
    else {
      this.#keep(posted);
      this.#bound(posted, options);
    }
    return posted;
  }

  #keep(posted: PostedMessage): void {
    this.#open.set(posted.outgoing, posted);
    if (!posted.outgoing.asks) return;
    const same = this.#asking.get(posted.id);
    if (same) same.add(posted);
    else this.#asking.set(posted.id, new Set([posted]));
  }

  #drop(posted: PostedMessage): void {
    this.#open.delete(posted.outgoing);
    const same = this.#asking.get(posted.id);
    if (same?.delete(posted) && same.size === 0) this.#asking.delete(posted.id);
  }

  #bound(posted: PostedMessage, { deadline, signal }: PostOptions): void {
    const undo: (() => void)[] = [];
    if (deadline) {
      const late = () => this.#giveUp(posted, "timeout", `not acknowledged within ${deadline} ms`);
      undo.push(this.#clock.after(deadline, late));
    }
    if (signal) {
      const abort = () => this.#giveUp(posted, "aborted", "the send was aborted", signal.reason);
      signal.addEventListener("abort", abort);
      undo.push(() => signal.removeEventListener("abort", abort));
    }
    const release = () => undo.forEach((each) => each());
    if (undo.length > 0) posted.delivered.then(release, release);
  }

  #giveUp(posted: PostedMessage, code: WaymeetErrorCode, why: string, cause?: unknown): void {
    if (posted.outgoing.settled) return;
    const text = this.#withdraw(posted.outgoing) ? why : `${why}; some of it was sent and may arrive`;
    this.#fail(posted, new WaymeetError(code, text, { peer: this.#peer, cause }));
    this.#drop(posted);
  }

  #fail(posted: PostedMessage, error: WaymeetError): void {
    posted.outgoing.advance("failed", this.#clock.wall(), error);
    posted.abandon(error);
  }

  departed(outgoing: Outgoing): void {
    outgoing.advance("sent", this.#clock.wall());
  }

  delivered(outgoing: Outgoing): void {
    outgoing.advance("delivered", this.#clock.wall());
    if (!outgoing.asks) this.#open.delete(outgoing);
  }

  processed(id: string): void {
    for (const posted of [...this.#asking.get(id) ?? []]) {
      if (posted.status !== "delivered") continue; // it is about an earlier one of this id
      posted.outgoing.advance("processed", this.#clock.wall());
      this.#drop(posted);
    }
  }

  /** The process that held them is gone: what it had not processed it never will. */
  restarted(): void {
    const text = "the other process ended before its application was done with the message; send it again";
    for (const posted of [...this.#open.values()].filter(({ status }) => status === "delivered")) {
      posted.abandon(new WaymeetError("peer-restarted", text, { peer: this.#peer }));
      this.#drop(posted);
    }
  }

  failAll(error: WaymeetError): void {
    for (const posted of this.#open.values()) this.#fail(posted, error);
    this.#open.clear();
    this.#asking.clear();
  }
}
