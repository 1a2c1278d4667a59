/**
 * One session as its node sees it, from the upgrade to the end.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Session, SessionEnd, SessionHandlers } from "../session/session.ts";
import { type AuthBody, type Control, type Reason, Role, type SignedBytes } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import type { Visitor } from "./ban_subject.ts";
import type { Attendance } from "./attendance.ts";
import type { Attempts } from "./attempts.ts";
import { type NodeEventDetail, tidy } from "./events.ts";
import type { Foreseen } from "./foreseen.ts";
import type { NodeLink } from "./node_link.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Grant } from "./judgement.ts";
import type { Records } from "./records.ts";
import type { Seat } from "./registry.ts";
import type { Refusal } from "./refusal.ts";
import type { Relay } from "./relay.ts";

/** What the node does for its guests. */
export interface Host {
  readonly relay: Relay;
  readonly records: Records;
  readonly attendance: Attendance;
  readonly attempts: Attempts;
  readonly metrics: NodeMetrics;
  /** Takes a frame for a service that is not at this node; false: it is. */
  readonly elsewhere?: (seat: Seat, frame: Control) => boolean;
  /** The handshake is done: gives the guest a seat, or closes its session. */
  arrived(guest: Guest, session: Session): void;
  /** The same of a node, which gets a link instead of a seat. */
  nodeArrived(guest: Guest, session: Session): void;
  departed(guest: Guest, session: Session, end: SessionEnd): void;
}

/** The place at the door that a guest has until its handshake is over; none, if that was elsewhere. */
export interface Place {
  readonly claimed: PeerId;
  readonly address: string;
  /** Clock time of the upgrade, milliseconds. */
  readonly began?: number;
  release?(): void;
}

export class Guest implements SessionHandlers {
  // What each data frame needs comes first, so that it lies in one line of the processor's cache.
  readonly #host: Host;
  seat: Seat | undefined;
  /** Of a node, what it is to this one. */
  link: NodeLink | undefined;
  readonly claimed: PeerId;
  readonly address: string;
  /** Until the handshake is over: an idle peer keeps nothing of it. */
  #admission: Place | undefined;
  /** Clock time at which the session became ready, before that of its upgrade, milliseconds. */
  since: number;
  /** What the dialer said, from its verification until the session itself keeps it. */
  auth: AuthBody | undefined;
  refusal: Refusal | undefined;
  /** The record that came with the auth, verified; until it is delivered. */
  foreseen: Foreseen | undefined;
  /** What its access is worth, where that is less than all and for ever. */
  grant: Grant | undefined;

  constructor(host: Host, admission: Place) {
    this.#host = host;
    this.claimed = admission.claimed;
    this.address = admission.address;
    this.since = admission.began ?? 0;
    this.#admission = admission;
  }

  ready(session: Session): void {
    this.#releasePlace();
    this.auth = undefined;
    if (session.auth?.role === Role.node) this.#host.nodeArrived(this, session);
    else this.#host.arrived(this, session);
  }

  get inRuns(): boolean {
    return true;
  }

  data(session: Session, message: Uint8Array, start: number, end: number): void {
    const seat = this.seat;
    if (seat !== undefined && seat.session === session && seat.live) {
      this.#host.relay.data(seat, message, start, end);
    } else this.link?.data();
  }

  /** Between nodes only: from a peer it is ignored. */
  forward(session: Session, message: Uint8Array, start: number, end: number): void {
    if (this.link !== undefined) this.link.forward(session, message, start, end);
    else this.#host.metrics.strayFrame(session.remoteKey);
  }

  /** Kinds that a peer has no business to send, or that are not known, are ignored. */
  control(session: Session, frame: Control): void | Promise<void> {
    if (this.link !== undefined) return this.link.control(session, frame);
    const seat = this.seat;
    if (seat === undefined || seat.session !== session || !seat.live) return;
    this.#host.metrics.controlIn++;
    if (frame.kind === "lookup") this.#host.records.lookup(seat, frame);
    else if (frame.kind === "publish") return this.#publish(seat, frame.record);
    else if (this.#host.elsewhere?.(seat, frame)) return;
    else if (frame.kind === "announce") void this.#host.attendance.topics.announce(seat, frame);
    else if (frame.kind === "withdraw") this.#host.attendance.topics.withdraw(seat, frame.topic);
    else if (frame.kind === "watch") this.#host.attendance.watches.watch(seat, frame.peers);
    else if (frame.kind === "unwatch") this.#host.attendance.watches.unwatch(seat, frame.peers);
    else if (frame.kind === "attempt" || frame.kind === "answer" || frame.kind === "report") {
      this.#host.attempts.hear(seat, frame);
    } else this.#host.metrics.strayFrame(session.remoteKey);
  }

  #publish(seat: Seat, signed: SignedBytes): Promise<void> {
    const foreseen = this.foreseen;
    this.foreseen = undefined;
    return this.#host.records.publish(seat, signed, foreseen);
  }

  endOfMessage(_session: Session): void {
    if (this.seat !== undefined) this.#host.relay.flush(this.seat);
    else this.link?.endOfMessage();
  }

  left(session: Session, message: Uint8Array, frames: number, waiting: number): void {
    const seat = this.seat!; // nothing is gathered for others
    if (waiting < 0) this.#host.relay.unsent(seat, message);
    else this.#host.relay.sent(seat, session, message.length, frames, waiting);
  }

  drain(session: Session): void {
    this.link?.drain();
    const seat = this.seat;
    if (seat === undefined || seat.session !== session) return;
    seat.waiting = 0;
    seat.shares = undefined;
    this.#host.attendance.watches.drained(seat);
    this.#host.attendance.topics.drained(seat);
  }

  closed(session: Session, end: SessionEnd): void {
    this.#releasePlace();
    this.link?.closed(session, end);
    this.#host.departed(this, session, end);
  }

  #releasePlace(): void {
    this.#admission?.release?.();
    this.#admission = undefined;
  }

  /** Of whom a ban may be. */
  visitor(session: Session): Visitor {
    return { peer: session.remote, address: this.address, agent: session.auth?.agent };
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
