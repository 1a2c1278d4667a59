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
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { type AcceptOptions, acceptSession, type Verdict } from "../session/accept.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import type { Socket, SocketHandlers } from "../session/socket.ts";
import { Ticker } from "../session/ticker.ts";
import { PING_INTERVAL } from "../wire/limits.ts";
import { type AuthBody, type Liveness, Reason, Role, SUBPROTOCOL } from "../wire/protocol.ts";
import { VERSION_TEXT } from "../wire/version.ts";
import { type Access, accessObstacle } from "./access.ts";
import { type Admission, Doorway } from "./admission.ts";
import { type AppPort, type NodeApp, nodeApp, type Refused } from "./app.ts";
import { Bans } from "./bans.ts";
import { NodeEvent, type NodeEventDetail, type NodeEventTarget, type NodeEventType, tidy } from "./events.ts";
import { Guest, type Host, type Refusal } from "./guest.ts";
import { Hall } from "./hall.ts";
import type { NodeInfo } from "./info.ts";
import { NodeMetrics } from "./metrics.ts";
import { type NodeLimits, nodeLimits } from "./node_limits.ts";
import { Records } from "./records.ts";
import { Registry, type Seat } from "./registry.ts";
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

/**
 * The text form of a key. Whether it is a valid key costs hundreds of multiplications, which
 * a stranger does not get for a URL: the handshake checks the key and compares the claim.
 */
const PEER_ID = /^[a-z2-7]{51}[aq]$/;

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
  readonly #hall: Hall;
  readonly #host: Host;
  readonly #reception: Reception;

  /** @throws {RangeError} when a limit is out of bounds. */
  constructor(options: NodeOptions) {
    super();
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
    this.#began = this.#clock.now();
    this.#ticker = new Ticker(this.#clock, options.pingInterval ?? PING_INTERVAL);
    this.#doorway = new Doorway(this.#clock, (socket, admission) => this.#receive(socket, admission));
    this.#hall = this.#makeHall();
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
    return this.#hall.draining;
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
    if (!PEER_ID.test(claimed)) return refused(400, Reason.wrongId, "the path names no PeerId of 52 letters");
    if (this.draining) return refused(503, Reason.draining, "this node is leaving; try another one");
    const { handshakes } = this.limits;
    const peer = claimed as PeerId;
    const admission = this.#doorway.admit(handshakes, peer, address);
    return admission ?? this.#refuseCrowd(peer, address);
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
    let [pingsSent, pongsMatched] = [0, 0];
    for (const { session } of this.#registry) {
      pingsSent += session.pingsSent;
      pongsMatched += session.pongsMatched;
    }
    const uptime = (this.#clock.now() - this.#began) / 1000;
    const { sessions, handshakes, id } = this;
    return this.metrics.expose({
      sessions,
      handshakes,
      pingsSent,
      pongsMatched,
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
    const left = await this.#hall.drain(grace);
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
      welcome: () => ({ nodes: [...this.#o.nodes ?? []], stun: [...this.#o.stun ?? []] }),
      authorize: (auth, session) => this.#authorize(this.#hall.guestOf(session)!, auth),
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
    });
    const { session, handlers } = acceptSession(socket, options);
    this.#hall.entered(guest, session);
    return handlers;
  }

  async #authorize(guest: Guest, auth: AuthBody): Promise<Verdict> {
    guest.auth = auth;
    const refusal = await this.#refusal(auth);
    guest.refusal = refusal;
    return refusal === undefined ? { ok: true } : { ok: false, ...refusal, nodes: [] };
  }

  async #refusal(auth: AuthBody): Promise<Refusal | undefined> {
    if (auth.role !== Role.peer) {
      return { reason: Reason.unauthorized, text: "this node takes sessions of peers only" };
    }
    const now = this.#clock.wall();
    const ban = this.#banOf(peerIdText(auth.id));
    if (ban !== undefined) return ban;
    const obstacle = await accessObstacle(this.#o.access, auth, { network: this.network, now });
    return obstacle === undefined ? undefined : { reason: Reason.unauthorized, text: obstacle };
  }

  #banOf(peer: PeerId): Refusal | undefined {
    const ban = this.#bans.find(peer, this.#clock.wall());
    return ban && { reason: Reason.banned, text: banText(ban) };
  }

  /** Asks again for a ban: it may have come while the welcome was signed. */
  #arrived(guest: Guest, session: Session): void {
    const ban = this.#banOf(session.remote);
    if (ban !== undefined) this.#hall.turnAway(guest, session, ban.reason, ban.text);
    else this.#hall.arrived(guest, session);
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

  #makeHall(): Hall {
    return new Hall({
      registry: this.#registry,
      limits: this.limits,
      metrics: this.metrics,
      clock: this.#clock,
      nodes: this.#o.nodes ?? [],
      tell: (type, detail) => this.#tell(type, detail),
    });
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
      departed: (guest, session, end) => this.#hall.departed(guest, session, end),
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
    if (this.draining) return "draining";
    return this.#registry.size >= this.limits.sessions ? "full" : undefined;
  }
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
