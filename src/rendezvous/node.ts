/**
 * A rendezvous node: peers hold sessions with it, find each other by key, and talk
 * through it. It keeps nothing durable and cannot read what it relays.
 *
 * This file knows no runtime: an adapter in `edge/` brings HTTP requests to
 * {@link RendezvousNode.app} and sockets to the admissions it hands out.
 *
 * @module
 */
import { getLogger, type Logger } from "@logtape/logtape";
import type { Hono } from "hono";
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import { acceptSession, resumeSession } from "../session/accept.ts";
import type { Place } from "../mesh/presence_types.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { Reason } from "../wire/protocol.ts";
import { VERSION_TEXT } from "../wire/version.ts";
import type { Admission, Received } from "./admission.ts";
import { Attendance } from "./attendance.ts";
import { type NodeApp, nodeApp, type Refused } from "./app.ts";
import { appPort } from "./app_port.ts";
import { type Crowd, Door } from "./doorstep.ts";
import { Controls } from "./controls.ts";
import { GuardedTarget, NodeEvent, type NodeEventDetail, type NodeEventType } from "./events.ts";
import type { Fabric, FabricParts } from "./fabric.ts";
import { Gate } from "./gate.ts";
import { Guest, type Host, type Place as GuestPlace } from "./guest.ts";
import { Hall } from "./hall.ts";
import { hostOf } from "./host.ts";
import { Mesh } from "./mesh.ts";
import { type KeptSession, sinceOf } from "./kept_session.ts";
import { IceOffer } from "./ice_offer.ts";
import { Journal } from "./journal.ts";
import type { MeshStatus } from "./mesh_status.ts";
import type { Page } from "./exposition.ts";
import { type NodeInfo, nodeInfo } from "./info.ts";
import { NodeMetrics } from "./metrics.ts";
import { type NodeLimits, nodeLimits } from "./node_limits.ts";
import { Rates } from "./rates.ts";
import { Reception } from "./reception.ts";
import { pingsOf, Registry, type Seat } from "./registry.ts";
import { lowerCase, type NodeOptions } from "./node_options.ts";
import { OtherNodes } from "./other_nodes.ts";
import { Shedding } from "./shedding.ts";
import { Tracing } from "./tracing.ts";

export type { NodeOptions };

/** Milliseconds within which a stopped node has said goodbye to all. */
export const GRACE = 5_000;
const SILENT = "you said nothing while others waited; try again in a second";

/**
 * One node, without a server.
 *
 * @example
 * ```ts
 * import { generateIdentity } from "../identity/identity.ts";
 * const identity = await generateIdentity();
 * const node = new RendezvousNode({ identity, access: { kind: "open" }, hosts: ["meet.example.org"] });
 * node.addEventListener("established", ({ peer, agent }) => console.log(peer, agent));
 * const response = await node.app.request("/healthz"); // 200
 * ```
 */
export class RendezvousNode extends GuardedTarget {
  readonly id: PeerId;
  readonly network: string;
  /** Change them by {@link Controls.setLimits}, which reaches those who are here. */
  readonly limits: Readonly<NodeLimits>;
  readonly metrics: NodeMetrics = new NodeMetrics();
  readonly ice: IceOffer;
  /** Routes to mount in any Hono app: `app.route("/meet", node.app)`. */
  readonly app: Hono<NodeApp>;
  readonly #o: NodeOptions;
  readonly #clock: Clock;
  readonly #random: (length: number) => Uint8Array;
  readonly #log: Logger;
  readonly #journal: Journal;
  readonly #tracing: Tracing;
  readonly #began: number;
  readonly #registry = new Registry();
  readonly #rates: Rates;
  readonly #shedding: Shedding;
  readonly door: Door;
  /** What an operator changes while the node runs. */
  readonly controls: Controls;
  readonly #others: OtherNodes;
  readonly #mesh: Fabric | undefined;
  readonly #gate: Gate;
  readonly #attendance: Attendance;
  readonly #hall: Hall;
  readonly #host: Host;
  readonly #reception: Reception;

  /** @throws {RangeError} when a limit is out of bounds. */
  constructor(options: NodeOptions) {
    super((error) => this.#log.error("a listener failed: {error}", { error }));
    this.#o = { ...options, hosts: lowerCase(options.hosts) };
    this.id = options.identity.id;
    this.network = options.network ?? "default";
    this.limits = nodeLimits(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length)));
    this.#log = (options.log ?? getLogger(["waymeet", "node"])).with({
      node: this.id,
      network: this.network,
    });
    this.#journal = new Journal(this.#log, this.#clock);
    this.#tracing = new Tracing(this.#clock, this);
    this.metrics.onRefusal = (refuser, reason, who) => this.#journal.refused(refuser, reason, who);
    this.ice = new IceOffer(options, this.#clock);
    this.#began = this.#clock.now();
    this.door = new Door(this.#clock);
    this.#rates = new Rates(this.limits, this.#clock, this.metrics);
    this.#others = this.#makeOthers();
    this.#mesh = this.#makeFabric();
    this.#gate = this.#makeGate(options.access);
    this.#attendance = this.#makeAttendance();
    this.#hall = this.#makeHall();
    const [ceiling, shed] = [() => this.limits.memory, () => this.#hall.shed()];
    this.#shedding = new Shedding({ clock: this.#clock, memory: options.memory, ceiling, shed });
    this.controls = this.#makeControls();
    this.#host = this.#makeHost();
    this.#reception = this.#makeReception();
    this.app = nodeApp(appPort(this, options));
  }

  /** Peers with a session now. */
  get sessions(): number {
    return this.#registry.size;
  }

  /** Handshakes under way now. */
  get handshakes(): number {
    return this.#gate.pending;
  }

  /** Whether the node takes no newcomers because it is leaving. */
  get draining(): boolean {
    return this.#hall.draining;
  }

  /** Peers here now. */
  *peers(): IterableIterator<PeerId> {
    for (const seat of this.#registry) yield peerIdText(seat.key);
  }

  /** Where a peer is as far as this node knows: its nodes, home first, and its record. `undefined` without a mesh. */
  place(peer: PeerId): Place | undefined {
    return this.#mesh?.peers.presence.find(peer);
  }

  /**
   * Reserves a place for a handshake, before anything is allocated for the stranger. The
   * adapter upgrades and calls `open` on what it gets, or `release` when that failed.
   * `address`: the stranger's, `""` when unknown; `origin`: of the page whose script dials, if one does;
   * `sought`: ids of peers that the URL asks about.
   */
  admit(claimed: string, address: string, origin?: string, sought?: readonly string[]): Admission | Refused {
    return this.#gate.admit(claimed, address, origin, sought);
  }

  /** Why nobody from there can come in now, with such a crowd at the door; counts and logs who is sent away. */
  turnsAway(address: string, crowd: Crowd): Refused | undefined {
    return this.#gate.turnsAway(address, crowd);
  }

  /** Goes on with the session of an earlier life of this process; `undefined` when another one took its place. */
  resume(socket: Socket, kept: KeptSession): { seat: Seat; handlers: SocketHandlers } {
    const guest = new Guest(this.#host, kept);
    const { session, handlers } = resumeSession(socket, this.#reception.for(guest), kept);
    this.metrics.sessionsResumed++;
    return { seat: this.#hall.resumed(guest, session, sinceOf(kept, this.#clock)), handlers };
  }

  /** Receives a peer whose handshake was elsewhere, with another place of this node. */
  welcome(session: Session, place: GuestPlace): Guest {
    const guest = new Guest(this.#host, place);
    this.#hall.entered(guest, session);
    guest.ready(session);
    return guest;
  }

  /** Other nodes dial this one there from now on; without a mesh nobody does. */
  listensAt(urls: readonly string[]): void {
    this.#mesh?.listensAt(urls);
  }

  /** Ends the session of a peer; false when it had none. It may come back: see {@link ban}. */
  disconnect(peer: PeerId, text: string = "disconnected by the operator"): boolean {
    return this.#hall.dismiss(peer, Reason.disconnected, text);
  }

  /**
   * Ends the sessions of a peer, an address, a prefix or an agent, and refuses new ones for so many seconds.
   *
   * @throws {RangeError} when `subject` is none of these.
   */
  ban(subject: string, text: string = "banned by the operator", seconds: number = Infinity): void {
    this.controls.ban(subject, text, seconds);
  }

  /** False when there was no ban. */
  unban(subject: string): boolean {
    return this.controls.unban(subject);
  }

  /** What `/metrics` shows: Prometheus text. */
  metricsText(): string {
    return this.exposition().text;
  }

  /** What is counted, now. */
  exposition(): Page {
    const uptime = (this.#clock.now() - this.#began) / 1000;
    const { sessions, handshakes, id } = this;
    return this.metrics.expose({
      sessions,
      handshakes,
      ...this.#attendance.counts,
      attempts: this.#host.attempts.size,
      ...pingsOf(this.#registry),
      limits: this.limits,
      mesh: this.#mesh?.status(),
      stun: this.ice.counts,
      uptime,
      id,
      version: VERSION_TEXT,
    });
  }

  /**
   * Takes nobody new, lets each queue run empty, says `bye(draining)` to each peer and
   * waits until all are gone, at most `grace` milliseconds. False when some were not.
   */
  async drain(grace: number = GRACE): Promise<boolean> {
    this.#log.info("draining {sessions} sessions", { sessions: this.sessions });
    this.#others.stop();
    this.#shedding.stop();
    this.controls.stop();
    const left = await this.#hall.drain(grace);
    this.#host.attempts.close();
    this.#mesh?.leave();
    this.#journal.close();
    this.#log.info("drained, {left} left", { left });
    return left === 0;
  }

  #receive(socket: Socket, admission: Admission): Received {
    const guest = new Guest(this.#host, admission);
    const behind = this.#host.records.foretell(admission.sought);
    const { session, handlers } = acceptSession(socket, this.#reception.for(guest, behind));
    this.#hall.entered(guest, session);
    const giveWay = () => this.#hall.turnAway(guest, session, Reason.overCapacity, SILENT);
    return { handlers, silent: () => session.silent === true, giveWay };
  }

  /** Asks again for a ban: it may have come while the welcome was signed. */
  #arrived(guest: Guest, session: Session): void {
    const ban = this.#gate.bans.refusal(guest.visitor(session), this.#clock.wall());
    if (ban !== undefined) this.#hall.turnAway(guest, session, ban.reason, ban.text);
    else this.#hall.arrived(guest, session);
  }

  #nodeArrived(guest: Guest, session: Session): void {
    if (this.draining) return this.#hall.turnAway(guest, session, Reason.draining, "this node is leaving");
    this.#hall.released(session);
    guest.link = this.#mesh!.receive(session);
  }

  #tell(type: NodeEventType, detail: NodeEventDetail): void {
    this.#journal.event(type, detail);
    if (this.hears(type)) this.dispatchEvent(new NodeEvent(type, detail));
  }

  #makeReception(): Reception {
    const { network, limits, ice } = this;
    return new Reception({
      ...this.#o,
      ...{ network, limits, ice, clock: this.#clock, random: this.#random, log: this.#log, gate: this.#gate },
      nodes: () => this.#others.urls,
      guestOf: (session) => this.#hall.guestOf(session)!,
    });
  }

  #makeGate(access: NodeOptions["access"]): Gate {
    const { network, limits, metrics } = this;
    return new Gate({
      origins: this.#o.origins,
      ...{ network, access, limits, metrics, clock: this.#clock, journal: this.#journal, fabric: this.#mesh },
      receive: (socket, admission) => this.#receive(socket, admission),
      draining: () => this.draining,
      pressed: () => this.#shedding.closed,
    });
  }

  #makeControls(): Controls {
    const { network, limits } = this;
    return new Controls({
      ...{ network, limits, clock: this.#clock, log: this.#log, bans: this.#o.bans },
      ...{ gate: this.#gate, hall: this.#hall, rates: this.#rates, shedding: this.#shedding },
      ...{ registry: this.#registry, operators: this.#o.operators ?? [] },
      tell: (type, detail) => this.#tell(type, detail),
    });
  }

  #makeAttendance(): Attendance {
    const { id, network, limits, metrics } = this;
    const own = { clock: this.#clock, mesh: this.#mesh?.peers, random: this.#random };
    return new Attendance({ id, network, registry: this.#registry, limits, metrics, ...own });
  }

  #makeHall(): Hall {
    return new Hall({
      registry: this.#registry,
      limits: this.limits,
      metrics: this.metrics,
      rates: this.#rates,
      tracing: this.#tracing,
      clock: this.#clock,
      nodes: () => this.#others.urls,
      vacated: (seat) => {
        this.#attendance.vacated(seat);
        this.#host.attempts.gone(seat.session.remote, seat.key);
      },
      seated: (seat, address) => this.#mesh?.seated?.(seat, address),
      tell: (type, detail) => this.#tell(type, detail),
    });
  }

  #makeOthers(): OtherNodes {
    const own = { registry: this.#registry, limits: this.limits, metrics: this.metrics, clock: this.#clock };
    return new OtherNodes({ named: this.#o.nodes ?? [], met: () => this.#mesh?.otherUrls() ?? [], ...own });
  }

  #makeFabric(): Fabric | undefined {
    const { fabric, mesh, connect } = this.#o;
    if (fabric) return fabric(this.#fabricParts());
    if (!mesh) return undefined;
    if (!connect) throw new TypeError("a node of a mesh dials others: pass `connect`, as `serve` does");
    return new Mesh({ ...this.#o, ...this.#fabricParts(), options: mesh, connect });
  }

  #fabricParts(): FabricParts {
    const { network, limits, metrics } = this;
    return {
      ...{ identity: this.#o.identity, network, limits, metrics, log: this.#log },
      clock: this.#clock,
      random: this.#random,
      registry: this.#registry,
      superseded: (...newer) => this.#hall.superseded(...newer),
      moved: (peer, node) => {
        this.#attendance.watches.moved(peer, node);
        if (node === undefined) this.#host.attempts.gone(peer, peerIdBytes(peer));
      },
      learned: () => this.#others.changed(),
      conveyed: (frame) => this.#host.attempts.conveyed(frame),
      joined: (link) => this.controls.orders.joined(link),
      ordered: (order, from) => void this.controls.orders.hear(order, from),
      member: (change) => this.#attendance.topics.changed(change),
    };
  }

  #makeHost(): Host {
    const { network, limits, metrics } = this;
    return hostOf({
      ...{ identity: this.#o.identity, network, limits, metrics, rates: this.#rates },
      ...{ registry: this.#registry, clock: this.#clock, random: this.#random, fabric: this.#mesh },
      ...{ attendance: this.#attendance, tracing: this.#tracing },
      arrived: (guest, session) => this.#arrived(guest, session),
      nodeArrived: (guest, session) => this.#nodeArrived(guest, session),
      departed: (guest, session, end) => this.#hall.departed(guest, session, end),
    });
  }

  /** What `/v1/mesh` shows; `undefined` without a mesh. */
  meshStatus(): MeshStatus | undefined {
    return this.#mesh?.status();
  }

  /** What `/v1/info` shows; the numbers only with `publicMetrics`. */
  info(): NodeInfo {
    return nodeInfo({
      id: this.id,
      network: this.network,
      access: this.#gate.access.kind,
      limits: this.limits,
      uptime: this.#clock.now() - this.#began,
      sessions: this.sessions,
      numbers: this.#o.publicMetrics === true,
    });
  }
}
