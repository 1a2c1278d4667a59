/**
 * One session as its node sees it, from the upgrade to the end.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Session, SessionEnd, SessionHandlers } from "../session/session.ts";
import type { AuthBody, Control, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import type { Admission } from "./admission.ts";
import { type NodeEventDetail, tidy } from "./events.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Records } from "./records.ts";
import type { Seat } from "./registry.ts";
import type { Relay } from "./relay.ts";

/** What the node does for its guests. */
export interface Host {
  readonly relay: Relay;
  readonly records: Records;
  readonly metrics: NodeMetrics;
  /** The handshake is done: gives the guest a seat, or closes its session. */
  arrived(guest: Guest, session: Session): void;
  departed(guest: Guest, session: Session, end: SessionEnd): void;
}

/** Why the node turned a proven peer away. */
export interface Refusal {
  reason: Reason;
  text: string;
}

export class Guest implements SessionHandlers {
  readonly #host: Host;
  readonly claimed: PeerId;
  readonly address: string;
  /** Until the handshake is over: an idle peer keeps nothing of it. */
  #admission: Admission | undefined;
  /** Clock time at which the session became ready, milliseconds. */
  since = 0;
  seat: Seat | undefined;
  /** What the dialer said, from its verification until the session itself keeps it. */
  auth: AuthBody | undefined;
  refusal: Refusal | undefined;

  constructor(host: Host, admission: Admission) {
    this.#host = host;
    this.claimed = admission.claimed;
    this.address = admission.address;
    this.#admission = admission;
  }

  ready(session: Session): void {
    this.#releasePlace();
    this.auth = undefined;
    this.#host.arrived(this, session);
  }

  data(session: Session, message: Uint8Array, start: number, end: number): void {
    const seat = this.seat;
    if (seat !== undefined && seat.session === session && seat.live) {
      this.#host.relay.data(seat, message, start, end);
    }
  }

  /** Kinds that a peer has no business to send, or that are not known, are ignored. */
  control(session: Session, frame: Control): void {
    const seat = this.seat;
    if (seat === undefined || seat.session !== session || !seat.live) return;
    this.#host.metrics.controlIn++;
    if (frame.kind === "lookup") this.#host.records.lookup(seat, frame);
    else if (frame.kind === "publish") void this.#host.records.publish(seat, frame.record);
  }

  endOfMessage(_session: Session): void {
    if (this.seat !== undefined) this.#host.relay.flush(this.seat);
  }

  drain(session: Session): void {
    const seat = this.seat;
    if (seat === undefined || seat.session !== session) return;
    seat.waiting = 0;
    seat.shares = undefined;
  }

  closed(session: Session, end: SessionEnd): void {
    this.#releasePlace();
    this.#host.departed(this, session, end);
  }

  #releasePlace(): void {
    this.#admission?.release();
    this.#admission = undefined;
  }

  /** What logs and events say about this guest. */
  describe(session: Session, reason: Reason, text: string): NodeEventDetail {
    return {
      peer: this.claimed,
      address: this.address,
      agent: tidy((session.auth ?? this.auth)?.agent ?? ""),
      session: session.id,
      reason: reasonName(reason),
      text: tidy(text),
    };
  }
}
