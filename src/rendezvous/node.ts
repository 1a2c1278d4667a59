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
import { type AcceptOptions, acceptSession, resumeSession, type Verdict } from "../session/accept.ts";
import type { Place } from "../mesh/presence_types.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { Ticker } from "../session/ticker.ts";
import { PING_INTERVAL } from "../wire/limits.ts";
import { type AuthBody, Reason } from "../wire/protocol.ts";
import { VERSION_TEXT } from "../wire/version.ts";
import { type Admission, Doorway, PEER_ID } from "./admission.ts";
import { Attempts } from "./attempts.ts";
import { Attendance } from "./attendance.ts";
import { type NodeApp, nodeApp, type Refused, refused } from "./app.ts";
import { appPort } from "./app_port.ts";
import { Bans } from "./bans.ts";
import { GuardedTarget, NodeEvent, type NodeEventDetail, type NodeEventType, tidy } from "./events.ts";
import type { Fabric, FabricParts } from "./fabric.ts";
import { Gate } from "./gate.ts";
import { Guest, type Host, type Place as GuestPlace } from "./guest.ts";
import { Hall } from "./hall.ts";
import { Mesh } from "./mesh.ts";
import { type KeptSession, sinceOf } from "./kept_session.ts";
import { IceOffer } from "./ice_offer.ts";
import type { MeshStatus } from "./mesh_status.ts";
import { type NodeInfo, nodeInfo } from "./info.ts";
import { NodeMetrics } from "./metrics.ts";
import { type NodeLimits, nodeLimits } from "./node_limits.ts";
import { Records } from "./records.ts";
import { pingsOf, Registry, type Seat } from "./registry.ts";
import { lowerCase, type NodeOptions } from "./node_options.ts";
import { OtherNodes } from "./other_nodes.ts";
import { Relay } from "./relay.ts";

export type { NodeOptions };

type Reception = Omit<AcceptOptions, "claimed" | "address" | "handlers">;

/** Milliseconds within which a stopped node has said goodbye to all. */
export const GRACE = 5_000;

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
  /** May be changed while the node runs; what is granted already stays. */
  readonly limits: NodeLimits;
  readonly metrics: NodeMetrics = new NodeMetrics();
  readonly ice: IceOffer;
  /** Routes to mount in any Hono app: `app.route("/meet", node.app)`. */
  readonly app: Hono<NodeApp>;
  readonly #o: NodeOptions;
  readonly #clock: Clock;
  readonly #random: (length: number) => Uint8Array;
  readonly #log: Logger;
  readonly #began: number;
  readonly #ticker: Ticker;
  readonly #registry = new Registry();
  readonly #doorway: Doorway;
  readonly #bans = new Bans();
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
    this.ice = new IceOffer(options, this.#clock);
    this.#began = this.#clock.now();
    this.#ticker = new Ticker(this.#clock, options.pingInterval ?? PING_INTERVAL);
    this.#doorway = new Doorway(this.#clock, (socket, admission) => this.#receive(socket, admission));
    this.#others = this.#makeOthers();
    this.#mesh = this.#makeFabric();
    const { network } = this;
    this.#gate = new Gate({ ...options, network, bans: this.#bans, clock: this.#clock, fabric: this.#mesh });
    this.#attendance = this.#makeAttendance();
    this.#hall = this.#makeHall();
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
    return this.#doorway.pending;
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
   * `address`: the stranger's, `""` when unknown.
   */
  admit(claimed: string, address: string): Admission | Refused {
    if (!PEER_ID.test(claimed)) {
      return refused(400, Reason.wrongId, "the path names no PeerId of 52 letters");
    }
    if (this.draining) return refused(503, Reason.draining, "this node is leaving; try another one");
    const { handshakes } = this.limits;
    const peer = claimed as PeerId;
    return this.#doorway.admit(handshakes, peer, address) ?? this.#refuseCrowd(peer, address);
  }

  /** Goes on with the session of an earlier life of this process; `undefined` when another one took its place. */
  resume(socket: Socket, kept: KeptSession): { seat: Seat; handlers: SocketHandlers } {
    const guest = new Guest(this.#host, kept);
    const { session, handlers } = resumeSession(socket, this.#receptionOf(guest), kept);
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

  /** Ends the session of a peer and refuses new ones for so many seconds. */
  ban(peer: PeerId, text: string = "banned by the operator", seconds: number = Infinity): void {
    const now = this.#clock.wall();
    this.#bans.add(peer, { reason: text, until: now + seconds * 1000 }, now);
    this.#tell("banned", { peer, address: "", agent: "", session: "", reason: "banned", text: tidy(text) });
    this.#hall.dismiss(peer, Reason.banned, text);
  }

  /** False when there was no ban. */
  unban(peer: PeerId): boolean {
    return this.#bans.lift(peer);
  }

  /** What `/metrics` shows: Prometheus text. */
  metricsText(): string {
    const uptime = (this.#clock.now() - this.#began) / 1000;
    const { sessions, handshakes, id } = this;
    return this.metrics.expose({
      sessions,
      handshakes,
      ...this.#attendance.counts,
      attempts: this.#host.attempts.size,
      ...pingsOf(this.#registry),
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
    const left = await this.#hall.drain(grace);
    this.#host.attempts.close();
    this.#mesh?.leave();
    this.#log.info("drained, {left} left", { left });
    return left === 0;
  }

  /** What the handshakes of all guests have in common. */
  #makeReception(): Reception {
    const { limits } = this;
    return {
      get maxPayload() {
        return limits.payload;
      },
      get maxQueue() {
        return limits.queue;
      },
      identity: this.#o.identity,
      network: this.network,
      hosts: this.#o.hosts,
      clock: this.#clock,
      random: this.#random,
      liveness: this.#o.liveness,
      ticker: this.#ticker,
      welcome: (auth) => ({ nodes: this.#others.urls, ...this.ice.offer(auth) }),
      authorize: (auth, session) => this.#authorize(this.#hall.guestOf(session)!, auth),
      onError: (error) => this.#log.error("a handler failed: {error}", { error }),
    };
  }

  #receive(socket: Socket, admission: Admission): SocketHandlers {
    const guest = new Guest(this.#host, admission);
    const { session, handlers } = acceptSession(socket, this.#receptionOf(guest));
    this.#hall.entered(guest, session);
    return handlers;
  }

  /** Inherited options, because a session keeps them: an idle peer costs three fields of them. */
  #receptionOf(guest: Guest): AcceptOptions {
    const { claimed, address } = guest;
    return Object.assign(Object.create(this.#reception) as Reception, { claimed, address, handlers: guest });
  }

  async #authorize(guest: Guest, auth: AuthBody): Promise<Verdict> {
    guest.auth = auth;
    const refusal = await this.#gate.refusal(auth);
    guest.refusal = refusal;
    return refusal === undefined ? { ok: true } : { ok: false, ...refusal, nodes: [] };
  }

  /** Asks again for a ban: it may have come while the welcome was signed. */
  #arrived(guest: Guest, session: Session): void {
    const ban = this.#bans.refusal(session.remote, this.#clock.wall());
    if (ban !== undefined) this.#hall.turnAway(guest, session, ban.reason, ban.text);
    else this.#hall.arrived(guest, session);
  }

  #nodeArrived(guest: Guest, session: Session): void {
    if (this.draining) return this.#hall.turnAway(guest, session, Reason.draining, "this node is leaving");
    this.#hall.released(session);
    guest.link = this.#mesh!.receive(session);
  }

  #refuseCrowd(peer: PeerId, address: string): Refused {
    const text = "too many handshakes are under way; try again in a second";
    this.metrics.handshakeFailed(Reason.overCapacity);
    this.#log.warn("refused {peer} from {address}: {text}", { peer, address, text });
    return refused(503, Reason.overCapacity, text);
  }

  #tell(type: NodeEventType, detail: NodeEventDetail): void {
    const properties = { event: type, ...detail };
    if (type === "established") {
      this.#log.info("established {peer} {session} {agent} from {address}", properties);
    } else this.#log.info("{event} {peer} {session}: {reason} {text}", properties);
    this.dispatchEvent(new NodeEvent(type, detail));
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
      member: (change) => this.#attendance.topics.changed(change),
    };
  }

  #makeHost(): Host {
    const { metrics, limits } = this;
    const [registry, clock, mesh, random] = [this.#registry, this.#clock, this.#mesh, this.#random];
    const node = this.#o.identity.publicKey;
    const why = (seat: Seat, reason: string) =>
      this.#log.debug("kept no record of {peer}: {reason}", { peer: peerIdText(seat.key), reason });
    return {
      metrics,
      elsewhere: mesh?.control?.bind(mesh),
      attendance: this.#attendance,
      relay: new Relay(registry, limits, metrics, clock, mesh?.forwarding),
      records: new Records({
        node,
        network: this.network,
        registry,
        limits,
        metrics,
        clock,
        refused: why,
        kept: (seat, record, signed) => this.#attendance.kept(seat, record, signed),
        elsewhere: (peer, asker) => mesh?.forwarding.lookup(peer, asker),
      }),
      attempts: new Attempts({ node, registry, limits, metrics, clock, random, ways: mesh }),
      arrived: (guest, session) => this.#arrived(guest, session),
      nodeArrived: (guest, session) => this.#nodeArrived(guest, session),
      departed: (guest, session, end) => this.#hall.departed(guest, session, end),
    };
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
      access: this.#o.access.kind,
      limits: this.limits,
      uptime: this.#clock.now() - this.#began,
      sessions: this.sessions,
      numbers: this.#o.publicMetrics === true,
    });
  }
}
