/**
 * How a link's packets come and go: by the relay's planes, and by paths beside it. Where
 * the pure core meets the clock.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Key } from "../wire/protocol.ts";
import { Alarm } from "./alarm.ts";
import type { Carrier, SteeredHost } from "./carrier.ts";
import type { Connection, Taken } from "./connection.ts";
import type { Challenge } from "./frames.ts";
import { PROBE_MIN } from "./limits.ts";
import type { TransportPacket } from "./packet.ts";
import { type Plane, Planes } from "./planes.ts";
import type { Route } from "./route.ts";
import { Routes, type Trunk } from "./routes.ts";
import type { Carried } from "./track.ts";
import type { CandidateOutcome, PathCandidate, PathEvents, PathKind, PathTransport } from "./transport.ts";

/** Milliseconds after which a link that waits for its node looks again at what is overdue. */
const LONGEST_PAUSE = 1_000;

/** How a link's packets travel now. */
export interface LinkPath {
  kind: PathKind;
  /** Why so, in words: `relay through wss://…`, `direct: punched in 240 ms`. */
  why: string;
  /** Smoothed end-to-end round trip, milliseconds; undefined before the first acknowledgement. */
  rtt: number | undefined;
}

export class Carriage implements SteeredHost {
  readonly peer: PeerId;
  readonly key: Key;
  readonly #carrier: Carrier;
  readonly #connection: Connection;
  readonly #planes: Planes;
  readonly #routes: Routes;
  readonly #alarm: Alarm;
  readonly #changed: () => void;
  #pumping = false;
  /** An answer is overdue: what the relay carries goes by both planes. */
  #overdue = false;
  /** A node said that what is under way may be lost: it goes again by both planes, since the fault may be in either. */
  #inDoubt = false;
  /** A node's doubt counts again then. */
  #believesAt = -Infinity;
  /** Something of the conversation came since the last turn. */
  #heardMore = false;
  /** When the node may take more, on this clock; before, nothing that is due can leave by the relay. */
  #resumeAt = -Infinity;
  /** The path that brought the packet being opened. */
  #bringing: Route;

  /** `changed`: packets travel by another path, or for another reason. */
  constructor(carrier: Carrier, peer: PeerId, key: Key, connection: Connection, changed: () => void) {
    this.#carrier = carrier;
    this.peer = peer;
    this.key = key;
    this.#connection = connection;
    this.#changed = changed;
    this.#planes = new Planes(() => carrier.planes());
    this.#alarm = new Alarm(carrier.clock, () => {
      this.#expire();
      this.#pump();
    });
    this.#routes = new Routes(this.#trunk());
    this.#bringing = this.#routes.relay;
    this.#routes.steering = carrier.steer?.(this);
  }

  #trunk(): Trunk {
    const carrier = this.#carrier;
    const connection = this.#connection;
    return {
      now: () => this.#now,
      random: (size) => carrier.local.random(size),
      seal: (...plaintext) => connection.seal(...plaintext),
      relay: (packet) => {
        for (const plane of this.#planes.ways(this.#overdue)) carrier.send(this.key, packet, plane);
      },
      arrived: (packet, route) =>
        carrier.arrived(this.key, packet, route, (answer) => this.#routes.send(answer, route)),
      moved: (track, abrupt) => {
        const { conversation } = connection;
        conversation.moveTo(track ?? conversation.relayed, this.#now, abrupt);
      },
      beside: (beside) => connection.setBeside(beside, this.#now),
      wake: () => this.wake(),
    };
  }

  get clock(): Clock {
    return this.#carrier.clock;
  }

  get #now(): number {
    return this.#carrier.clock.now();
  }

  /** How packets travel now, and why. */
  get path(): LinkPath {
    const { using, steering } = this.#routes;
    const relay = this.#carrier.why(this.#planes.now);
    const why = steering?.why;
    const through = using.transport ? "" : ` (${relay})`;
    const { smoothed } = this.#connection.conversation.sender.roundTrip;
    return {
      kind: using.kind,
      why: why === undefined ? relay : why + through,
      rtt: smoothed ?? using.roundTrip.smoothed,
    };
  }

  // For those who find paths.

  signal(attempt: Uint8Array, words: Uint8Array): void {
    this.#connection.conversation.signal(attempt, words);
    this.wake();
  }

  offer(
    open: (events: PathEvents) => PathTransport,
    settled?: (outcome: CandidateOutcome) => void,
  ): PathCandidate {
    return this.#routes.offer(open, settled);
  }

  // For those who choose.

  get first(): boolean {
    return this.#connection.answered;
  }

  get relay(): Route {
    return this.#routes.relay;
  }

  get using(): Route {
    return this.#routes.using;
  }

  get busy(): boolean {
    return this.#connection.conversation.sender.outstanding;
  }

  get relayed(): boolean {
    return this.#routes.relayUp;
  }

  carried(route: Route): Carried {
    return (route.track ?? this.#connection.conversation.relayed).carried(this.#now);
  }

  challenge(route: Route): void {
    if (this.#connection.agreed) this.#routes.challenge(route);
  }

  use(route: Route, abrupt: boolean): void {
    this.#routes.use(route, abrupt);
  }

  drop(route: Route, reason: string): void {
    this.#routes.drop(route, reason);
  }

  told(): void {
    this.#changed();
  }

  // The relay.

  /** The node session came or went. */
  setRelay(up: boolean): void {
    this.#connection.setPath(up, this.#now);
    this.#routes.setRelay(up);
    this.wake();
  }

  /** One of the planes is gone and the other is there: what was under way goes again, that way. */
  reroute(): void {
    if (this.using === this.relay) this.#connection.conversation.resume(this.#now);
    this.wake();
  }

  /** A node says that what is under way may be lost: its word has it sent again no more often than a wait in vain would. */
  doubted(): void {
    if (this.#now < this.#believesAt) return;
    this.#believesAt = this.#now + PROBE_MIN;
    this.#inDoubt = true;
    this.reroute();
  }

  /** A node does not know the peer. False when no other plane is left to try. */
  refused(plane: Plane): boolean {
    const rerouted = this.#planes.refused(plane);
    if (rerouted) this.reroute();
    return rerouted;
  }

  /** A node dropped something of ours on its way. */
  congested(): void {
    const { sender, relayed } = this.#connection.conversation;
    sender.congested(relayed);
  }

  // What comes.

  /** Something authentic came that way. */
  heard(from: Plane | Route): void {
    if (typeof from === "string") this.#planes.heard(from);
  }

  takeTransport(packet: TransportPacket, from: Plane | Route): Taken {
    const relayed = typeof from === "string";
    const connection = this.#connection;
    const routes = this.#routes;
    const before = connection.conversation.arrivals;
    this.#bringing = relayed ? routes.relay : from;
    const taken = connection.takeTransport(packet, this.#now, relayed ? undefined : from.track);
    if (taken === "taken") this.heard(from);
    if (routes.plural && connection.conversation.arrivals !== before) {
      routes.arrival = this.#bringing;
      this.#heardMore = true;
    }
    return taken;
  }

  /** A frame about the path that brought it. */
  aboutPath(frame: Challenge): void {
    this.#routes.about(frame, this.#bringing);
  }

  /** Keys are agreed with the other process. */
  opened(): void {
    this.#routes.steering?.opened();
  }

  /** All paths but the relay are closed. */
  reset(reason: string, over: boolean): void {
    this.#routes.reset(reason, over);
    if (over) this.#alarm.stop();
  }

  // What leaves.

  /** A last packet, after which nothing follows. */
  sendLast(packet: Uint8Array): void {
    this.#routes.send(packet);
  }

  /** Sends what there is to send at the end of this turn, so that much travels together, and arms the timer. */
  wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const pump = () => this.#pump();
    const { clock } = this.#carrier;
    if (clock.soon) clock.soon(pump);
    else queueMicrotask(pump);
  }

  #pump(): void {
    this.#pumping = false;
    const connection = this.#connection;
    if (connection.standing === "closed") return;
    const now = this.#now;
    this.#overdue = this.#inDoubt;
    this.#inDoubt = false;
    this.#resumeAt = -Infinity;
    if (this.#routes.plural) this.#pumpPlural(now);
    else this.#pumpRelay(now);
    this.#alarm.arm(this.#resumeAt > now ? this.#resumeAt : connection.deadline, now);
  }

  #pumpRelay(now: number): void {
    const connection = this.#connection;
    const routes = this.#routes;
    routes.flush();
    while (!this.#isPaused()) {
      const packet = connection.transmit(now);
      if (!packet) break;
      this.#overdue = connection.takeOverdue() || this.#overdue;
      routes.send(packet, routes.relay);
    }
  }

  /** Handshakes by every way, challenges by theirs, acknowledgements by the one they are about, the rest by the one in use. */
  #pumpPlural(now: number): void {
    const connection = this.#connection;
    const routes = this.#routes;
    this.#overdue = connection.takeOverdue() || this.#overdue;
    const greeting = connection.transmitGreeting(now);
    if (greeting) routes.greet(greeting);
    routes.flush();
    const loose = routes.detour && connection.transmitLoose(now);
    if (loose) routes.send(loose, routes.detour);
    const { using } = routes;
    if (this.#doubles(using)) this.#sendDoubled(now, using);
    while (!using.full && !(using === routes.relay && this.#isPaused())) {
      const packet = connection.transmitSealed(now, using.room, using.transport?.copies);
      if (!packet) break;
      routes.send(packet, using);
    }
    this.#tellSteering(now);
  }

  /** A node takes no more than it said: what waits here, unsent, is not lost there. */
  #isPaused(): boolean {
    const pause = this.#carrier.pause?.(this.#planes.now) ?? 0;
    if (pause > 0) this.#resumeAt = this.#now + Math.min(pause, LONGEST_PAUSE);
    return pause > 0;
  }

  /** Whether an answer is overdue, here or there, and the relay beneath may bring it. */
  #doubles(using: Route): boolean {
    const routes = this.#routes;
    return this.#overdue && using !== routes.relay && routes.relayUp && !this.#connection.isAway;
  }

  /** A lossy path may lose every try of a lonely message; the relay loses none. */
  #sendDoubled(now: number, using: Route): void {
    const packets = this.#connection.transmitDoubled(now, using.room);
    if (!packets) return;
    this.#routes.send(packets[0], using);
    this.#routes.send(packets[1], this.#routes.relay);
  }

  #tellSteering(now: number): void {
    const { sender } = this.#connection.conversation;
    sender.measure(now, this.using.full);
    if (sender.outstanding || this.#heardMore) this.#routes.steering?.busy();
    this.#heardMore = false;
  }

  /** An acknowledgement that did not come in time may mean that the path is dead (protocol rule 13). */
  #expire(): void {
    const before = this.#connection.conversation.sender.unanswered;
    this.#connection.expire(this.#now);
    const stalled = this.#connection.conversation.sender.unanswered > before;
    if (!stalled) return;
    if (this.using === this.relay) this.#carrier.overdue?.();
    else this.#routes.steering?.stalled();
  }
}
