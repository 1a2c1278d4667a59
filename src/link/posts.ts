/**
 * Messages that were posted on a link and whose fate is still open: bounded by their
 * deadlines and signals, told when they arrive, failed when the link ends.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { WaymeetError, type WaymeetErrorCode } from "../wire/error.ts";
import { hex } from "./message.ts";
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
  /** Called after each change of status. */
  onStatus?: (posted: Posted) => void;
}

export class Posts {
  private readonly open = new Map<string, PostedMessage>();
  private readonly peer: PeerId;
  private readonly clock: Clock;
  /** Takes a message back of which nothing has left. */
  private readonly withdraw: (message: Outgoing) => boolean;

  constructor(peer: PeerId, clock: Clock, withdraw: (message: Outgoing) => boolean) {
    this.peer = peer;
    this.clock = clock;
    this.withdraw = withdraw;
  }

  /** A message that fails at once, when there is a `refusal`, or waits to be sent. */
  add(
    id: Uint8Array,
    data: Uint8Array,
    options: PostOptions,
    refusal: WaymeetError | undefined,
  ): PostedMessage {
    const outgoing = new Outgoing(id, data, options.asks ?? false, this.clock.wall());
    const posted = new PostedMessage(outgoing, options.onStatus);
    if (refusal) outgoing.advance("failed", this.clock.wall(), refusal);
    else {
      this.open.set(posted.id, posted);
      this.bound(posted, options);
    }
    return posted;
  }

  private bound(posted: PostedMessage, { deadline, signal }: PostOptions): void {
    const undo: (() => void)[] = [];
    if (deadline) {
      const late = () => this.giveUp(posted, "timeout", `not acknowledged within ${deadline} ms`);
      undo.push(this.clock.after(deadline, late));
    }
    if (signal) {
      const abort = () => this.giveUp(posted, "aborted", "the send was aborted", signal.reason);
      signal.addEventListener("abort", abort);
      undo.push(() => signal.removeEventListener("abort", abort));
    }
    const release = () => undo.forEach((each) => each());
    if (undo.length > 0) posted.delivered.then(release, release);
  }

  private giveUp(posted: PostedMessage, code: WaymeetErrorCode, why: string, cause?: unknown): void {
    const text = this.withdraw(posted.outgoing) ? why : `${why}; some of it was sent and may arrive`;
    this.fail(posted, new WaymeetError(code, text, { peer: this.peer, cause }));
    this.open.delete(posted.id);
  }

  private fail(posted: PostedMessage, error: WaymeetError): void {
    posted.outgoing.advance("failed", this.clock.wall(), error);
    posted.abandon(error);
  }

  departed(outgoing: Outgoing): void {
    outgoing.advance("sent", this.clock.wall());
  }

  delivered(outgoing: Outgoing): void {
    outgoing.advance("delivered", this.clock.wall());
    if (!outgoing.asks) this.open.delete(hex(outgoing.id));
  }

  processed(id: string): void {
    this.open.get(id)?.outgoing.advance("processed", this.clock.wall());
    this.open.delete(id);
  }

  failAll(error: WaymeetError): void {
    for (const posted of this.open.values()) this.fail(posted, error);
    this.open.clear();
  }
}
