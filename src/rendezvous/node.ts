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
import type { Identity } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText, tryPeerId } from "../identity/peer_id.ts";
import { type AcceptOptions, acceptSession, type Verdict } from "../session/accept.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { Ticker } from "../session/ticker.ts";
import { compareBytes } from "../wire/cbor.ts";
import { PING_INTERVAL } from "../wire/limits.ts";
import { type AuthBody, type Liveness, Reason, Role, SUBPROTOCOL } from "../wire/protocol.ts";
import { VERSION_TEXT } from "../wire/version.ts";
import { type Access, accessObstacle } from "./access.ts";
import { type Admission, Doorway } from "./admission.ts";
import { type AppPort, type NodeApp, nodeApp, type NodeInfo, type Refused } from "./app.ts";
import { Bans } from "./bans.ts";
import { tellGone } from "./correspondents.ts";
import { NodeEvent, type NodeEventDetail, type NodeEventTarget, type NodeEventType, tidy } from "./events.ts";
import { Guest, type Host } from "./guest.ts";
import { NodeMetrics } from "./metrics.ts";
import { type NodeLimits, nodeLimits } from "./node_limits.ts";
import { Records } from "./records.ts";
import { Registry, Seat } from "./registry.ts";
import { Relay } from "./relay.ts";

/** What makes a node. */
export interface NodeOptions {
  identity: Identity;
  /** Default: "default". */
  network?: string;
  access: Access;
  /**
   * What dialers call this node, `host` (any port) or `host:port`. `"any"` gives up the
   * protection against challenges forwarded by a hostile node: for loopback.
   */
  hosts: readonly string[] | "any";
  limits?: Partial<NodeLimits>;
  /** URLs of other nodes, told in the welcome and when this one is full or leaves. */
  nodes?: readonly string[];
  /** STUN server URLs (RFC 7064), told in the welcome. */
  stun?: readonly string[];
  /** Whether strangers may read `/metrics` and the numbers of `/v1/info` and `/`. Default false. */
  publicMetrics?: boolean;
  /** Milliseconds between pings. Default `PING_INTERVAL`. */
  pingInterval?: number;
  liveness?: Liveness;
  clock?: Clock;
  /** That many bytes from a cryptographic source. */
  random?: (length: number) => Uint8Array;
  /** Default: the category `waymeet.node`, silent until the application configures LogTape. */
  log?: Logger;
}

type Reception = Omit<AcceptOptions, "claimed" | "address" | "handlers">;

/** Milliseconds between two looks at queues that are being emptied. */
const FLUSH_POLL = 20;
/** Milliseconds that a drain keeps for closing handshakes, at the end of its grace. */
const CLOSING_TIME = 1_500;
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
export class RendezvousNode extends EventTarget implements NodeEventTarget {
  readonly id: PeerId;
  readonly network: string;
  /** May be changed while the node runs; what is granted already stays. */
  readonly limits: NodeLimits;
  readonly metrics: NodeMetrics = new NodeMetrics();
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
  readonly #open = new Map<Session, Guest>();
  readonly #host: Host;
  readonly #reception: Reception;
  #draining = false;

  /** @throws {RangeError} when a limit is out of bounds. */
  constructor(options: NodeOptions) {
    super();
    this.#o = { ...options, hosts: lowerCase(options.hosts) };
    this.id = options.identity.id;
    this.network = options.network ?? "default";
    this.limits = nodeLimits(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length)));
    this.#log = (options.log ?? getLogger(["waymeet", "node"])).with({ node: this.id, network: this.network });
    this.#began = this.#clock.now();
    this.#ticker = new Ticker(this.#clock, options.pingInterval ?? PING_INTERVAL);
    this.#doorway = new Doorway(this.#clock, (socket, admission) => this.#receive(socket, admission));
    this.#host = this.#makeHost();
    this.#reception = this.#makeReception();
    this.app = nodeApp(this.#appPort());
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
    return this.#draining;
  }

  /** Peers here now. */
  *peers(): IterableIterator<PeerId> {
    for (const seat of this.#registry) yield peerIdText(seat.key);
  }

  /**
   * Reserves a place for a handshake, before anything is allocated for the stranger. The
   * adapter upgrades and calls `open` on what it gets, or `release` when that failed.
   * `address`: the stranger's, `""` when unknown.
   */
  admit(claimed: string, address: string): Admission | Refused {
    const peer = tryPeerId(claimed);
    if (peer === undefined) return refused(400, Reason.wrongId, "the path names no PeerId of 52 letters");
    if (this.#draining) return refused(503, Reason.draining, "this node is leaving; try another one");
    const { handshakes } = this.limits;
    const admission = this.#doorway.admit(handshakes, peer, address);
    return admission ?? this.#refuseCrowd(peer, address);
  }

  /** Ends the session of a peer; false when it had none. It may come back: see {@link ban}. */
  disconnect(peer: PeerId, text: string = "disconnected by the operator"): boolean {
    return this.#disconnect(peer, Reason.disconnected, text);
  }

  /** Ends the session of a peer and refuses new ones for so many seconds. */
  ban(peer: PeerId, text: string = "banned by the operator", seconds: number = Infinity): void {
    const now = this.#clock.wall();
    this.#bans.add(peer, { reason: text, until: now + seconds * 1000 }, now);
    this.#tell("banned", { peer, address: "", agent: "", session: "", reason: "banned", text: tidy(text) });
    this.#disconnect(peer, Reason.banned, text);
  }

  /** False when there was no ban. */
  unban(peer: PeerId): boolean {
    return this.#bans.lift(peer);
  }

  /** What `/metrics` shows: Prometheus text. */
  metricsText(): string {
    let [pingsSent, pongsMatched] = [0, 0];
    for (const { session } of this.#registry) {
      pingsSent += session.pingsSent;
      pongsMatched += session.pongsMatched;
    }
    const uptime = (this.#clock.now() - this.#began) / 1000;
    const { sessions, handshakes, id } = this;
    return this.metrics.expose({ sessions, handshakes, pingsSent, pongsMatched, uptime, id, version: VERSION_TEXT });
  }

  /**
   * Takes nobody new, lets each queue run empty, says `bye(draining)` to each peer and
   * waits until all are gone, at most `grace` milliseconds. False when some were not.
   */
  async drain(grace: number = GRACE): Promise<boolean> {
    if (!this.#draining) this.#log.info("draining {sessions} sessions", { sessions: this.sessions });
    this.#draining = true;
    const start = this.#clock.now();
    do {
      const patient = this.#clock.now() - start < grace - CLOSING_TIME;
      for (const session of [...this.#open.keys()]) {
        if (!patient || session.buffered === 0) this.#dismiss(session);
      }
      if (this.#open.size > 0) await this.#pause(FLUSH_POLL);
    } while (this.#open.size > 0 && this.#clock.now() - start < grace);
    this.#log.info("drained, {left} left", { left: this.#open.size });
    return this.#open.size === 0;
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(delay, resolve));
  }

  #dismiss(session: Session): void {
    if (session.state === "draining" || session.state === "closed") return;
    const seat = session.state === "ready" ? this.#registry.find(session.remoteKey) : undefined;
    if (seat?.session === session) this.#vacate(seat);
    session.close(Reason.draining, "this node is leaving", this.#otherNodes());
  }

  /** What the handshakes of all guests have in common. */
  #makeReception(): Reception {
    return {
      identity: this.#o.identity,
      network: this.network,
      hosts: this.#o.hosts,
      clock: this.#clock,
      random: this.#random,
      liveness: this.#o.liveness,
      ticker: this.#ticker,
      welcome: () => ({ nodes: this.#otherNodes(), stun: [...this.#o.stun ?? []] }),
      authorize: (auth, session) => this.#authorize(this.#open.get(session)!, auth),
      onError: (error) => this.#log.error("a handler failed: {error}", { error }),
    };
  }

  /** Inherited options, because a session keeps them: an idle peer costs three fields of them. */
  #receive(socket: Socket, admission: Admission): SocketHandlers {
    const guest = new Guest(this.#host, admission);
    const options = Object.assign(Object.create(this.#reception) as Reception, {
      claimed: admission.claimed,
      address: admission.address,
      handlers: guest,
      maxPayload: this.limits.payload,
      maxQueue: this.limits.queue,
    });
    const { session, handlers } = acceptSession(socket, options);
    this.#open.set(session, guest);
    return handlers;
  }

  async #authorize(guest: Guest, auth: AuthBody): Promise<Verdict> {
    guest.auth = auth;
    const refusal = await this.#refusal(auth);
    guest.refusal = refusal;
    return refusal === undefined ? { ok: true } : { ok: false, ...refusal, nodes: [] };
  }

  async #refusal(auth: AuthBody): Promise<{ reason: Reason; text: string } | undefined> {
    if (auth.role !== Role.peer) return { reason: Reason.unauthorized, text: "this node takes sessions of peers only" };
    const now = this.#clock.wall();
    const ban = this.#bans.find(peerIdText(auth.id), now);
    if (ban !== undefined) return { reason: Reason.banned, text: banText(ban) };
    const obstacle = await accessObstacle(this.#o.access, auth, { network: this.network, now });
    return obstacle === undefined ? undefined : { reason: Reason.unauthorized, text: obstacle };
  }

  /** One turn of the event loop decides and seats: no race can exceed the limit. */
  #arrived(guest: Guest, session: Session): void {
    const before = this.#registry.find(session.remoteKey);
    const order = before === undefined ? 1 : compareInstances(session, before.session);
    if (this.#draining) return this.#turnAway(guest, session, Reason.draining, "this node is leaving");
    if (order < 0) return this.#turnAway(guest, session, Reason.replaced, "a newer process with this key is here");
    if (before === undefined && this.#registry.size >= this.limits.sessions) {
      return this.#turnAway(guest, session, Reason.overCapacity, "this node is full");
    }
    guest.since = this.#clock.now();
    guest.seat = order === 0 ? this.#reseat(before!, session) : this.#seat(before, session);
    this.metrics.sessionsTotal++;
    this.#tell("established", guest.describe(session, Reason.none, ""));
  }

  /** A peer, or a newer process of it: the older one is told, and stays away. */
  #seat(before: Seat | undefined, session: Session): Seat {
    if (before !== undefined) this.#end(before, Reason.replaced, "a newer process with this key is here");
    const seat = new Seat(session.remoteKey, session);
    this.#registry.add(seat);
    return seat;
  }

  /** The same process over a new socket: it keeps its seat, and nobody else notices. */
  #reseat(seat: Seat, session: Session): Seat {
    const older = seat.session;
    seat.session = session;
    seat.waiting = 0;
    seat.shares = undefined;
    older.close(Reason.replaced, "this process has a newer session");
    return seat;
  }

  #turnAway(guest: Guest, session: Session, reason: Reason, text: string): void {
    guest.refusal = { reason, text };
    session.close(reason, text, reason === Reason.replaced ? [] : this.#otherNodes());
  }

  #departed(guest: Guest, session: Session, end: SessionEnd): void {
    this.#open.delete(session);
    const { seat } = guest;
    if (seat?.live && seat.session === session) this.#vacate(seat);
    if (seat !== undefined) this.#recordLoss(guest, session, end);
    else this.#recordFailure(guest, session, end);
  }

  #recordLoss(guest: Guest, session: Session, end: SessionEnd): void {
    this.metrics.pingsEnded += session.pingsSent;
    this.metrics.pongsEnded += session.pongsMatched;
    this.metrics.ended(end.reason, this.#clock.now() - guest.since);
    this.#tell("lost", { ...guest.describe(session, end.reason, end.text) });
  }

  #recordFailure(guest: Guest, session: Session, end: SessionEnd): void {
    const { reason, text } = guest.refusal ?? end;
    this.metrics.handshakeFailed(reason);
    this.#tell(guest.refusal ? "refused" : "failed", guest.describe(session, reason, text));
  }

  /** Takes a seat away in this turn; its correspondents learn of it, except when all have to leave. */
  #vacate(seat: Seat): void {
    seat.live = false;
    seat.last = undefined;
    this.#registry.remove(seat);
    if (!this.#draining) this.metrics.goneNotices += tellGone(seat);
  }

  #end(seat: Seat, reason: Reason, text: string): void {
    this.#vacate(seat);
    seat.session.close(reason, text);
  }

  #disconnect(peer: PeerId, reason: Reason, text: string): boolean {
    const seat = this.#registry.find(peerIdBytes(peer));
    if (seat !== undefined) this.#end(seat, reason, text);
    return seat !== undefined;
  }

  #refuseCrowd(peer: PeerId, address: string): Refused {
    const text = "too many handshakes are under way; try again in a second";
    this.metrics.handshakeFailed(Reason.overCapacity);
    this.#log.warn("refused {peer} from {address}: {text}", { peer, address, text });
    return refused(503, Reason.overCapacity, text);
  }

  #otherNodes(): string[] {
    return [...this.#o.nodes ?? []];
  }

  #tell(type: NodeEventType, detail: NodeEventDetail): void {
    const properties = { event: type, ...detail };
    if (type === "established") this.#log.info("established {peer} {session} {agent} from {address}", properties);
    else this.#log.info("{event} {peer} {session}: {reason} {text}", properties);
    this.dispatchEvent(new NodeEvent(type, detail));
  }

  #makeHost(): Host {
    const { metrics, limits } = this;
    const registry = this.#registry;
    const clock = this.#clock;
    const why = (seat: Seat, reason: string) =>
      this.#log.debug("kept no record of {peer}: {reason}", { peer: peerIdText(seat.key), reason });
    return {
      metrics,
      relay: new Relay(registry, limits, metrics, clock),
      records: new Records({
        node: this.#o.identity.publicKey,
        network: this.network,
        registry,
        limits,
        metrics,
        clock,
        refused: why,
      }),
      arrived: (guest, session) => this.#arrived(guest, session),
      departed: (guest, session, end) => this.#departed(guest, session, end),
    };
  }

  #appPort(): AppPort {
    return {
      admit: (claimed, address) => this.admit(claimed, address),
      info: () => this.info(),
      metrics: () => this.#o.publicMetrics === true ? this.metricsText() : undefined,
      readiness: () => this.#readiness(),
    };
  }

  /** What `/v1/info` shows; the numbers only with `publicMetrics`. */
  info(): NodeInfo {
    const numbers = { uptime: Math.floor((this.#clock.now() - this.#began) / 1000), sessions: this.sessions };
    return {
      id: this.id,
      network: this.network,
      version: VERSION_TEXT,
      protocol: SUBPROTOCOL,
      features: [],
      access: this.#o.access.kind,
      limits: { ...this.limits },
      ...this.#o.publicMetrics === true ? numbers : {},
    };
  }

  #readiness(): string | undefined {
    if (this.#draining) return "draining";
    return this.#registry.size >= this.limits.sessions ? "full" : undefined;
  }
}

/** Positive when the first session's process is the newer one, 0 when both are one process (protocol rule 18). */
function compareInstances({ auth: a }: Session, { auth: b }: Session): number {
  if (a === undefined || b === undefined) throw new TypeError("only sessions of dialers can be compared");
  return a.started - b.started || compareBytes(a.instance, b.instance);
}

function lowerCase(hosts: readonly string[] | "any"): readonly string[] | "any" {
  return hosts === "any" ? hosts : hosts.map((host) => host.toLowerCase());
}

function banText({ reason, until }: { reason: string; until: number }): string {
  return until === Infinity ? reason : `${reason}, until ${new Date(until).toISOString()}`;
}

function refused(status: 400 | 503, reason: Reason, text: string): Refused {
  return { status, reason, text };
}
