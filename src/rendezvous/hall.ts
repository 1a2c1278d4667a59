/**
 * Who comes and goes at a node: seats for those whose handshake is done, and what happens
 * when one comes twice, when all seats are taken, and when everybody has to leave.
 *
 * @module
 */
import { type PeerId, peerIdBytes } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { encodeFound } from "../wire/frames.ts";
import type { Told } from "../mesh/presence_types.ts";
import { Reason, type SignedBytes, UNASKED } from "../wire/protocol.ts";
import { leftOf } from "../wire/record.ts";
import { AddressCounts } from "./address_counts.ts";
import { tellGone } from "./correspondents.ts";
import type { NodeEventDetail, NodeEventType } from "./events.ts";
import { Expiry } from "./expiry.ts";
import type { Guest } from "./guest.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import {
  compareProcesses,
  compareStarts,
  isYounger,
  type Process,
  processOfRecord,
  processOfSeat,
} from "./process.ts";
import type { Rates } from "./rates.ts";
import type { Tracing } from "./tracing.ts";
import { type Registry, Seat } from "./registry.ts";
import { toShed } from "./shedding.ts";

/** Milliseconds between two looks at queues that are being emptied. */
const FLUSH_POLL = 20;
/** Milliseconds that a drain keeps for closing handshakes, at the end of its grace. */
const CLOSING_TIME = 1_500;

export interface HallOptions {
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  rates: Rates;
  tracing: Tracing;
  clock: Clock;
  /** URLs of other nodes, for whom this one sends away. */
  nodes: () => string[];
  /** A peer's seat is taken from it. */
  vacated: (seat: Seat) => void;
  /** A peer has its seat, or comes back to it over a new session. */
  seated: (seat: Seat, address: string) => void;
  tell: (type: NodeEventType, detail: NodeEventDetail) => void;
}

export class Hall {
  readonly #o: HallOptions;
  readonly #registry: Registry;
  /** Every session that is not closed, in handshakes too. */
  readonly #open = new Map<Session, Guest>();
  readonly #addresses = new AddressCounts();
  /** Sessions whose access ends at some time. */
  readonly #expiry: Expiry<Session>;
  #draining = false;

  constructor(options: HallOptions) {
    this.#o = options;
    this.#expiry = new Expiry(options.clock, (session) => this.#expired(session));
    this.#registry = options.registry;
  }

  get draining(): boolean {
    return this.#draining;
  }

  entered(guest: Guest, session: Session): void {
    this.#open.set(session, guest);
  }

  /** Whose session this is, until it is closed. */
  guestOf(session: Session): Guest | undefined {
    return this.#open.get(session);
  }

  /** The handshake is done. One turn of the event loop decides and seats: no race can exceed the limit. */
  arrived(guest: Guest, session: Session): void {
    const before = this.#registry.find(session.remoteKey);
    const order = before === undefined ? 1 : this.#compare(session, before, compareProcesses);
    if (this.#draining) return this.turnAway(guest, session, Reason.draining, "this node is leaving");
    if (order < 0) return this.turnAway(guest, session, Reason.replaced, NEWER_IS_HERE);
    if (before === undefined && this.#registry.size >= this.#o.limits.sessions) {
      return this.turnAway(guest, session, Reason.overCapacity, "this node is full");
    }
    if (before === undefined && this.#addresses.of(guest.address) >= this.#o.limits.sessionsPerAddress) {
      return this.turnAway(guest, session, Reason.overQuota, CROWDED);
    }
    const began = guest.since;
    guest.since = this.#o.clock.now();
    guest.seat = order === 0 ? reseat(before!, session) : this.#seat(before, session);
    guest.seat.quotas = guest.grant?.quotas;
    this.#addresses.enter(guest.address);
    this.#expires(guest, session);
    this.#o.rates.tell(guest.seat, true);
    this.#o.seated(guest.seat, guest.address);
    this.#o.metrics.sessionsTotal++;
    const detail = guest.describe(session, Reason.none, "");
    this.#o.tracing.handshake(began, detail);
    this.#o.tell("established", detail);
  }

  /** The session of an earlier life of this process goes on; nobody else notices. */
  resumed(guest: Guest, session: Session, since: number): Seat {
    this.#open.set(session, guest);
    guest.since = since;
    guest.seat = new Seat(session.remoteKey, session);
    this.#addresses.enter(guest.address);
    this.#registry.add(guest.seat);
    return guest.seat;
  }

  /** The session is a node's: it is not among those whom a drain sends off. */
  released(session: Session): void {
    this.#open.delete(session);
  }

  /** Ends the session of somebody who has no seat. */
  turnAway(guest: Guest, session: Session, reason: Reason, text: string): void {
    guest.refusal = { reason, text };
    const elsewhere = reason === Reason.overCapacity || reason === Reason.draining;
    session.close(reason, text, elsewhere ? this.#o.nodes() : []);
  }

  /** The session is closed: the seat, if it still is this session's, is gone in the same turn. */
  departed(guest: Guest, session: Session, end: SessionEnd): void {
    this.#open.delete(session);
    this.#expiry.delete(session);
    if (guest.link !== undefined) return;
    const { seat } = guest;
    if (seat !== undefined) this.#addresses.leave(guest.address);
    if (seat?.live && seat.session === session) this.#vacate(seat);
    if (seat !== undefined) this.#recordLoss(guest, session, end);
    else this.#recordFailure(guest, session, end);
  }

  #expires({ grant }: Guest, session: Session): void {
    if (grant?.until !== undefined && Number.isFinite(grant.until)) this.#expiry.add(session, grant.until);
  }

  #expired(session: Session): void {
    const guest = this.#open.get(session);
    if (guest !== undefined) this.expel(guest, session, Reason.expired, EXPIRED);
  }

  /** Those with a seat, in the order of their coming. */
  *seated(): IterableIterator<{ guest: Guest; session: Session }> {
    for (const [session, guest] of this.#open) {
      if (guest.seat?.live && guest.seat.session === session) yield { guest, session };
    }
  }

  /** Ends the session of somebody who has a seat. */
  expel(guest: Guest, session: Session, reason: Reason, text: string): void {
    if (guest.seat?.live && guest.seat.session === session) this.#end(guest.seat, reason, text);
  }

  /** Memory is short: some of those who talk with nobody go elsewhere. */
  shed(): void {
    const strangers = [...this.#open].flatMap(([session, guest], since) =>
      guest.seat?.linked || isOver(session)
        ? []
        : [{ since, pending: guest.seat === undefined, guest, session }]
    );
    for (const { guest, session } of toShed(strangers)) {
      this.#o.metrics.shedStranger(guest.claimed);
      guest.refusal ??= { reason: Reason.overCapacity, text: SHORT_OF_MEMORY };
      if (guest.seat?.live && guest.seat.session === session) this.#vacate(guest.seat);
      session.close(Reason.overCapacity, SHORT_OF_MEMORY, this.#o.nodes());
    }
  }

  /** False when that peer has no seat. */
  dismiss(peer: PeerId, reason: Reason, text: string): boolean {
    const seat = this.#registry.find(peerIdBytes(peer));
    if (seat !== undefined) this.#end(seat, reason, text);
    return seat !== undefined;
  }

  /**
   * Rule 18: a newer process of a peer, elsewhere by its newest record, replaces the older one at all nodes.
   * One that is `lost` (at no node) or older in truth is told alone to the one that is here, which had its
   * clock set back, or a node whose clock differs. Until that says a later start nobody finds it.
   */
  superseded(peer: PeerId, { record, signed, until }: Told, lost: boolean): void {
    const seat = this.#registry.find(record.peer);
    const own = seat && this.#processOf(seat);
    if (!seat || !own) return;
    const other = processOfRecord(record, until, this.#o.clock.wall());
    if (compareStarts(other, own) <= 0) return;
    if (lost || isYounger(own, other)) this.#toOutdo(seat.session, signed, until);
    else this.dismiss(peer, Reason.replaced, "a newer process with this key is elsewhere");
  }

  /** Shows a process what an older one of its key said, which others may still believe. */
  #toOutdo(session: Session, signed: SignedBytes, until: number): void {
    const left = leftOf(until, this.#o.clock.wall());
    session.send(encodeFound(UNASKED, Reason.none, { ...signed, left }));
  }

  /**
   * Takes nobody new, lets each queue run empty, says `bye(draining)` and waits until all
   * are gone, at most `grace` milliseconds. Returns how many are left.
   */
  async drain(grace: number): Promise<number> {
    const { clock } = this.#o;
    this.#draining = true;
    const start = clock.now();
    do {
      const patient = clock.now() - start < grace - CLOSING_TIME;
      for (const session of [...this.#open.keys()]) {
        if (!patient || session.buffered === 0) this.#sendOff(session);
      }
      if (this.#open.size > 0) await new Promise<void>((resolve) => void clock.after(FLUSH_POLL, resolve));
    } while (this.#open.size > 0 && clock.now() - start < grace);
    return this.#open.size;
  }

  /** The process of a session that has just begun, and the one in a seat, in an order that `by` tells. */
  #compare({ auth }: Session, seat: Seat, by: typeof compareStarts): number {
    const before = this.#processOf(seat);
    if (auth === undefined || before === undefined) {
      throw new TypeError("only sessions of dialers can be compared");
    }
    return by({ instance: auth.instance, started: auth.started, age: auth.age }, before);
  }

  #processOf(seat: Seat): Process | undefined {
    const { clock } = this.#o;
    const since = this.#open.get(seat.session)?.since ?? clock.now();
    return processOfSeat(seat, clock.now() - since, clock.wall());
  }

  /** A peer, or a newer process of it: the older one is told, and stays away. */
  #seat(before: Seat | undefined, session: Session): Seat {
    if (before !== undefined) this.#replace(before, session);
    const seat = new Seat(session.remoteKey, session);
    this.#registry.add(seat);
    return seat;
  }

  #replace(before: Seat, session: Session): void {
    const { signed, expires } = before.record ?? {};
    if (signed && this.#compare(session, before, compareStarts) < 0) this.#toOutdo(session, signed, expires!);
    this.#end(before, Reason.replaced, NEWER_IS_HERE);
  }

  #sendOff(session: Session): void {
    if (isOver(session)) return;
    const seat = session.state === "ready" ? this.#registry.find(session.remoteKey) : undefined;
    if (seat?.session === session) this.#vacate(seat);
    session.close(Reason.draining, "this node is leaving", this.#o.nodes());
  }

  #end(seat: Seat, reason: Reason, text: string): void {
    this.#vacate(seat);
    seat.session.close(reason, text);
  }

  /** The correspondents learn of it, except when all have to leave: they are told that instead. */
  #vacate(seat: Seat): void {
    seat.live = false;
    seat.last = undefined;
    this.#registry.remove(seat);
    this.#o.vacated(seat);
    if (!this.#draining) this.#o.metrics.goneNotices += tellGone(seat);
  }

  #recordLoss(guest: Guest, session: Session, end: SessionEnd): void {
    const { metrics, clock } = this.#o;
    metrics.pingsEnded += session.pingsSent;
    metrics.pongsEnded += session.pongsMatched;
    metrics.ended(end.reason, clock.now() - guest.since);
    this.#o.tell("lost", guest.describe(session, end.reason, end.text));
  }

  #recordFailure(guest: Guest, session: Session, end: SessionEnd): void {
    const { reason, text } = guest.refusal ?? end;
    const detail = guest.describe(session, reason, text);
    this.#o.metrics.handshakeFailed(reason);
    this.#o.tracing.handshake(guest.since, detail);
    this.#o.tell(guest.refusal ? "refused" : "failed", detail);
  }
}

const EXPIRED = "your access token has expired; come back with a fresh one (option `token`)";
const SHORT_OF_MEMORY = "this node is short of memory; try another one";
const CROWDED =
  "your address has as many sessions here as this node grants one; end some, or ask its operator";
const NEWER_IS_HERE = "a newer process with this key is here";

function isOver({ state }: Session): boolean {
  return state === "draining" || state === "closed";
}

/** The same process over a new socket: it keeps its seat, and nobody else notices. */
function reseat(seat: Seat, session: Session): Seat {
  const older = seat.session;
  seat.session = session;
  seat.waiting = 0;
  seat.shares = undefined;
  older.close(Reason.replaced, "this process has a newer session");
  return seat;
}
