/**
 * What the servers of all runtimes have in common: the choices an operator has to make,
 * and the running node that they get.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Hono } from "hono";
import type { Identity } from "../identity/identity.ts";
import { type KeyStore, loadOrCreate, memoryKeyStore } from "../identity/key_store.ts";
import type { PeerId } from "../identity/peer_id.ts";
import { MAX_URLS } from "../mesh/mesh_limits.ts";
import { systemClock } from "../session/clock.ts";
import type { Connect } from "../session/socket.ts";
import { WaymeetError } from "../wire/error.ts";
import type { Answerer, NodeApp } from "./bindings.ts";
export type { Answerer } from "./bindings.ts";
import type { Certificates } from "./certificates.ts";
import { addDashboard, type Dashboard, pages } from "./dashboard.ts";
import { inTurn } from "./doorstep.ts";
import type { NodeEventTarget, NodeEventType, NodeListener } from "./events.ts";
import { GRACE, type NodeOptions, RendezvousNode } from "./node.ts";
import { clientAddress, type TrustedProxies } from "./proxies.ts";
import { type BindUdp, serveStun, type StunService } from "./stun_service.ts";

/** How to run a node. */
export interface ServeOptions extends Omit<NodeOptions, "identity" | "hosts" | "access" | "chat"> {
  /**
   * Address or addresses to listen at. Default "127.0.0.1": this machine only. "::" is every address of
   * both IPv4 and IPv6.
   */
  host?: string | readonly string[];
  /** Default 8787; 0: any free one. */
  port?: number;
  /** The node's identity or where it is kept. Default: a fresh one, forgotten at the end. */
  key?: Identity | KeyStore;
  /** Who may have a session. Default on a loopback host: everybody; elsewhere the choice is yours. */
  access?: NodeOptions["access"];
  /**
   * Host names by which peers dial this node. Default: any on a loopback host, otherwise `host`.
   * Needed when `host` stands for all addresses (`0.0.0.0`, `::`).
   */
  names?: readonly string[] | "any";
  /** Whether the node serves the chat for browsers at `/chat`. Default true. */
  chat?: boolean;
  /**
   * The token of the operator's dashboard at `/dashboard`; `false`: none is served. Default:
   * on a loopback host a fresh token, which {@link RunningNode.dashboard} tells; elsewhere `false`.
   */
  dashboard?: string | false;
  /** Mounts the node in your own app: `(meet) => new Hono().route("/meet", meet)`. */
  within?: (node: Hono<NodeApp>) => Hono<NodeApp>;
  /**
   * UDP ports for STUN, one or two (the second lets clients tell kinds of NAT apart); `false`: no STUN. Default:
   * the number of the TCP port, if that is free; when it is not, the node runs without and says so.
   */
  stunPorts?: readonly number[] | false;
  /** Serves `wss://` itself. Default: plain `ws://`, with TLS left to a proxy before it. */
  tls?: Certificates;
  /**
   * Proxies whose word about a client's address counts. Default: none, each client is the address it comes
   * from. A node behind proxies is reached from elsewhere, so it has no defaults of a loopback host.
   */
  proxies?: TrustedProxies;
  /** Other processes of this machine listen at `port`, too, and the system spreads connections over all. */
  sharedPort?: boolean;
  /** Another address of this machine, without TLS and never shared, at which such processes reach this one. */
  inner?: { host: string; port: number };
  /** Their shorter way to this one, and to each other. */
  lane?: Lane;
  /** Stops the node when it fires. */
  signal?: AbortSignal;
}

/** A node that accepts. Disposing stops it. */
export interface RunningNode extends NodeEventTarget, AsyncDisposable {
  readonly id: PeerId;
  /** Where peers on this machine or network dial it: `ws://host:port`, with `tls` `wss://host:port`. */
  readonly url: string;
  readonly port: number;
  /** UDP ports that answer STUN; none: it is off. */
  readonly stunPorts: readonly number[];
  /** Where the operator's dashboard is, with its token: keep it to yourself. `undefined`: not served. */
  readonly dashboard: string | undefined;
  readonly node: RendezvousNode;
  readonly app: Hono<NodeApp>;
  /** Ends the session of a peer; false when it had none. */
  disconnect(peer: PeerId, text?: string): boolean;
  /**
   * Says goodbye to all peers, waiting for what is queued for them, and stops listening.
   * Takes at most `graceMs` (default 5,000) milliseconds. Again: the same promise.
   */
  stop(options?: { graceMs?: number }): Promise<void>;
}

/** What an adapter has to do: listen, and bring requests to the node. */
export interface Listener {
  readonly port: number;
  /** MUST stop listening and drop what is still connected. */
  close(): Promise<void>;
}

/** A way between the processes that share a port, by which they reach each other as by their inner addresses. */
export interface Lane {
  /** Listens for the others. {@link Listener.close} holds here, too. */
  listen(app: Answerer): Promise<Pick<Listener, "close">>;
  /** Dials the others by the lane, and with `connect` whoever has none. */
  dialer(connect: Connect): Connect;
}

/** Where a listener listens, and with what certificates if with any. */
export interface ListenAddress {
  host: string;
  port: number;
  tls?: Certificates;
  /** Others may listen there, too (`SO_REUSEPORT`, or the handles of `node:cluster`). */
  shared?: boolean;
}

/** Listens at this address. MUST reject with the runtime's own error; {@link startNode} translates it. */
export type Listen = (address: ListenAddress, app: Answerer, node: RendezvousNode) => Promise<Listener>;

/** Milliseconds that remain for closing the listener when the grace is used up. */
const CLOSE_TIME = 500;

/**
 * Starts a node with the listener of a runtime.
 *
 * @throws {TypeError} when a choice is missing that only the operator can make.
 * @throws {WaymeetError} `port-in-use`.
 */
export async function startNode(
  options: ServeOptions,
  listen: Listen,
  bindUdp?: BindUdp,
): Promise<RunningNode> {
  const { port = 8787, signal, stunPorts, tls, inner, lane, connect, sharedPort: shared } = options;
  const hosts = hostsOf(options.host);
  if (stunPorts && (stunPorts.length < 1 || stunPorts.length > 2)) {
    throw new RangeError(`stunPorts names one UDP port or two, not ${stunPorts.length}`);
  }
  signal?.throwIfAborted();
  const client = options.proxies && clientAddress(options.proxies);
  const chosen = choices(options, hosts);
  const node = new RendezvousNode({
    ...options,
    ...chosen,
    hosts: inner && chosen.hosts !== "any" ? [...chosen.hosts, `${inner.host}:${inner.port}`] : chosen.hosts,
    identity: await identityOf(options.key),
    chat: options.chat === false ? undefined : await pages(),
    connect: connect && lane ? lane.dialer(connect) : connect,
  });
  await node.controls.restore();
  const dashboard = await addDashboard(node, options, exposedBy(options, hosts) === undefined);
  const app = options.within?.(node.app) ?? node.app;
  const door = inTurn(node, app);
  const answerer: Answerer = client === undefined ? door : {
    fetch: (request, { address = "", ...rest }) =>
      door.fetch(request, { ...rest, address: client(address, request.headers) }),
  };
  const places = [
    ...hosts.map((host) => ({ host, tls, shared })),
    ...inner ? [inner] : [],
  ];
  const outer = await listenAtAll(places, port, (address) => listen(address, answerer, node));
  const listener = lane === undefined ? outer : await besides(outer, lane.listen(answerer));
  const stun = bindUdp && await startStun(options, hosts, listener, bindUdp);
  if (stun) node.ice.serving(stun.ports, stun.counts);
  const running = new Running(node, app, { listener, stun, dashboard, tls }, hosts[0]!, signal);
  if (options.fabric || options.mesh && !options.mesh.urls) {
    node.listensAt(dialledAt(options, hosts, running.url));
  }
  return running;
}

function hostsOf(host: ServeOptions["host"] = "127.0.0.1"): readonly string[] {
  const hosts = typeof host === "string" ? [host] : [...new Set(host)];
  if (hosts.length === 0) {
    throw new TypeError('host names no address to listen at; "127.0.0.1" is this machine');
  }
  return hosts;
}

/** All addresses without a port of their own get that of the first. */
async function listenAtAll(
  places: readonly (Omit<ListenAddress, "port"> & { port?: number })[],
  port: number,
  listen: (address: ListenAddress) => Promise<Listener>,
): Promise<Listener> {
  const listeners: Listener[] = [];
  const close = async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  for (const place of places) {
    const chosen = place.port ?? listeners[0]?.port ?? port;
    try {
      listeners.push(await listen({ ...place, port: chosen }));
    } catch (error) {
      await close();
      throw isTaken(error) ? portInUse(chosen, error) : error;
    }
  }
  return { port: listeners[0]!.port, close };
}

/** A listener and its lane, both or none. */
async function besides({ port, close }: Listener, listening: ReturnType<Lane["listen"]>): Promise<Listener> {
  try {
    const lane = await listening;
    return { port, close: async () => void await Promise.all([close(), lane.close()]) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** STUN is a convenience unless its ports were named: then a port that is taken is the operator's business. */
async function startStun(
  { stunPorts, clock = systemClock, log = getLogger(["waymeet", "node"]) }: ServeOptions,
  hosts: readonly string[],
  listener: Listener,
  bind: BindUdp,
): Promise<StunService | undefined> {
  if (stunPorts === false) return undefined;
  const ports = stunPorts ?? [listener.port];
  try {
    return await serveStun({ hosts, ports, now: () => clock.now() }, bind);
  } catch (error) {
    if (stunPorts === undefined) {
      log.warn("no STUN: UDP port {port} cannot be had: {error}", { port: ports[0], error: String(error) });
      return undefined;
    }
    await listener.close();
    throw isTaken(error) ? portInUse(ports.join(" or "), error) : error;
  }
}

/** A node that others know by name has TLS, its own or before it; one on a loopback host is dialled there. */
function dialledAt({ names, tls }: ServeOptions, hosts: readonly string[], url: string): string[] {
  if (Array.isArray(names)) return names.slice(0, MAX_URLS).map((name) => urlOfName(name, tls !== undefined));
  return hosts.every(isLoopback) ? [url] : [];
}

function urlOfName(name: string, secure: boolean): string {
  return `${!secure && isLoopback(name.replace(/:\d+$/, "")) ? "ws" : "wss"}://${name}`;
}

async function identityOf(key: Identity | KeyStore | undefined): Promise<Identity> {
  if (key !== undefined && "sign" in key) return key;
  return await loadOrCreate(key ?? memoryKeyStore());
}

/** Off loopback nobody but the operator knows who may come and what the node is called. */
function choices(
  options: ServeOptions,
  hosts: readonly string[],
): Pick<NodeOptions, "access" | "hosts" | "origins" | "publicMetrics"> {
  const exposed = exposedBy(options, hosts);
  const { access, names, publicMetrics = exposed === undefined } = options;
  if (exposed === undefined) {
    // A page of the Internet that its visitor's browser lets dial this machine is no program of this machine.
    const origins = options.origins ?? [];
    return { access: access ?? { kind: "open" }, hosts: names ?? "any", origins, publicMetrics };
  }
  if (access === undefined) {
    throw new TypeError(
      `${exposed} can be reached from elsewhere, so choose who may connect: ${ACCESS_CHOICES}`,
    );
  }
  const wildcard = hosts.find(isWildcard) ?? (options.proxies && hosts[0]);
  if (names === undefined && wildcard !== undefined) {
    throw new TypeError(`${wildcard} is no name that peers dial: ${NAME_CHOICES}`);
  }
  return { access, hosts: names ?? hosts.map(bracketed), origins: options.origins, publicMetrics };
}

/** What lets others reach the node: an address of this machine, or the proxies before it. */
function exposedBy({ proxies }: ServeOptions, hosts: readonly string[]): string | undefined {
  return hosts.find((host) => !isLoopback(host)) ?? (proxies && "a node behind proxies");
}

const ACCESS_CHOICES =
  `pass access: { kind: "open" }, { kind: "allow-list", peers: [id, …] }, { kind: "token", issuers: [id, …] } ` +
  `or another Access`;
const NAME_CHOICES =
  `pass names: ["meet.example.org"] with the host names in the URLs that peers use, or names: "any"`;

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/** An IPv6 address as it stands in a URL (RFC 3986 §3.2.2). */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Node and Bun tell by code, Deno by the error's name. */
function isTaken(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return code === "EADDRINUSE" || name === "AddrInUse";
}

function portInUse(port: number | string, cause: unknown): WaymeetError {
  const text = `port ${port} is in use; stop the other program, or choose another port (0: any free one)`;
  return new WaymeetError("port-in-use", text, { cause });
}

/** What has to be closed. */
interface Parts {
  listener: Listener;
  stun?: StunService;
  dashboard: Dashboard | undefined;
  tls: Certificates | undefined;
}

class Running implements RunningNode {
  readonly id: PeerId;
  readonly url: string;
  readonly port: number;
  readonly node: RendezvousNode;
  readonly app: Hono<NodeApp>;
  readonly stunPorts: readonly number[];
  readonly dashboard: string | undefined;
  readonly #parts: Parts;
  readonly #stopOnAbort = (): void => void this.stop();
  readonly #signal: AbortSignal | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    node: RendezvousNode,
    app: Hono<NodeApp>,
    parts: Parts,
    host: string,
    signal?: AbortSignal,
  ) {
    const { listener, stun, tls } = parts;
    const secure = tls === undefined ? "" : "s";
    this.node = node;
    this.app = app;
    this.id = node.id;
    this.port = listener.port;
    const address = `${dialable(host)}:${listener.port}`;
    this.url = `ws${secure}://${address}`;
    // After the #, where it is sent to no server and kept in no log.
    this.dashboard = parts.dashboard && `http${secure}://${address}/dashboard#token=${parts.dashboard.token}`;
    this.stunPorts = stun?.ports ?? [];
    this.#parts = parts;
    parts.dashboard?.console.start();
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stopOnAbort, { once: true });
  }

  addEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: AddEventListenerOptions | boolean,
  ): void {
    this.node.addEventListener(type, listener, options);
  }

  removeEventListener(
    type: NodeEventType,
    listener: NodeListener | null,
    options?: EventListenerOptions | boolean,
  ): void {
    this.node.removeEventListener(type, listener, options);
  }

  disconnect(peer: PeerId, text?: string): boolean {
    return this.node.disconnect(peer, text);
  }

  stop({ graceMs = GRACE }: { graceMs?: number } = {}): Promise<void> {
    return this.#stopped ??= this.#stop(graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(grace: number): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#stopOnAbort);
    await this.node.drain(Math.max(0, grace - CLOSE_TIME));
    this.#parts.dashboard?.console.stop();
    await Promise.all([this.#parts.listener.close(), this.#parts.stun?.close()]);
  }
}

/** Who listens everywhere is reached at the loopback address, too. */
function dialable(host: string): string {
  if (host === "::") return "[::1]";
  return isWildcard(host) ? "127.0.0.1" : bracketed(host);
}
