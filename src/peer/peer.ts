import { generateLinkKey } from "../link/dh.ts";
import type { Local } from "../link/greeting.ts";
import type { Link, SendOptions } from "../link/link.ts";
import type { Delivery } from "../link/outgoing.ts";
import { type Packet, readPacket, writeUnknown } from "../link/packet.ts";
import type { SharedLink } from "../link/shared_link.ts";
import { parsePeerId, type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { Emitter } from "../session/emitter.ts";
import type { Decision } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { encodeData } from "../wire/data_frame.ts";
import { WaymeetError } from "../wire/error.ts";
import { type Control, type Key, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { errorOf } from "./end_error.ts";
import { Home, random } from "./home.ts";
import { Links } from "./links.ts";
import { type Finding, Lookups } from "./lookup.ts";
import { type PeerOptions, type Settings, settle } from "./options.ts";
import type { Platform } from "./platform.ts";
import { Reception } from "./reception.ts";
import { LinkRequest } from "./request.ts";
import { Standstill } from "./standstill.ts";

/** A change in the session with the node. */
export interface NodeChange {
  /** `stopped`: nothing is dialled any more; the peer is closed. */
  state: "connected" | "disconnected" | "stopped";
  url: string;
  /** Session id, 32 hex digits, the same in the node's log; when connected. */
  session?: string;
  /** Name of the reason, such as `ping-timeout`, and its text; when not connected. */
  reason?: string;
  text?: string;
  /** Milliseconds until the next try; when disconnected. */
  retryIn?: number;
}

/** A session with a node. */
export interface NodeSession {
  url: string;
  id: PeerId;
  /** 32 hex digits, the same in the node's log. */
  session: string;
  /** Smoothed round trip, milliseconds. */
  rtt: number | undefined;
  pingsSent: number;
  pongsMatched: number;
}

export interface PeerEvents {
  /** Another peer began a link; close it when done. */
  link: { link: Link };
  /** Another peer wants to begin a link: decide, or leave it to the `accept` option. */
  request: { request: LinkRequest };
  node: NodeChange;
}

export interface DialOptions {
  /** Gives up. */
  signal?: AbortSignal;
  /** Milliseconds to wait for a peer that is away. Default 0: reject with `absent` at once. */
  deadline?: number;
}

/**
 * A program's presence in a network: an identity, a session with a node, and links to
 * other peers.
 *
 * @example
 * ```ts ignore
 * await using peer = await Peer.open({ nodes: ["wss://meet.example.org"] });
 * await using link = await peer.dial(friendId);
 * await link.send("hello");
 * ```
 */
export class Peer extends Emitter<PeerEvents> implements AsyncDisposable {
  /** Where the SDK runs; each entry point of the package sets its own. */
  protected static platform: Platform;
  readonly id: PeerId;
  readonly #settings: Settings;
  readonly #home: Home;
  readonly #local: Local;
  readonly #lookups: Lookups;
  readonly #reception: Reception;
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #start = new Standstill();
  #closed: Promise<void> | undefined;
  #failure: WaymeetError | undefined;

  /**
   * Opens a peer: resolves when a node has accepted it.
   *
   * @throws {TypeError} for options that make no sense.
   * @throws {WaymeetError} `node-unreachable` when no node answers (see `offline`),
   * `unauthorized`, `banned`, `wrong-network`, `aborted`.
   */
  static async open(options: PeerOptions): Promise<Peer> {
    const settings = await settle(options);
    const peer = new this(settings, this.platform);
    try {
      await peer.#begin();
    } catch (error) {
      await peer.close();
      throw error;
    }
    return peer;
  }

  /** Use {@link Peer.open}. */
  protected constructor(settings: Settings, platform: Platform) {
    super();
    this.id = settings.identity.id;
    this.#settings = settings;
    const { clock, identity, network } = settings;
    const linkKey = generateLinkKey();
    const instance = random(16);
    const started = Math.floor(clock.wall());
    const agent = settings.agent ? `${settings.agent} ${platform.name}` : platform.name;
    this.#home = new Home(settings, { ...platform, name: agent }, { identity, instance, started, linkKey }, {
      up: (session, url) => this.#up(session, url),
      down: (end, url, decision) => this.#down(end, url, decision),
      data: (source, packet) => this.#data(source, packet),
      control: (frame) => this.#control(frame),
    });
    this.#clock = {
      now: () => clock.now(),
      wall: () => this.#home.wall(),
      after: (delay, run) => clock.after(delay, run),
    };
    this.#local = {
      key: identity.publicKey,
      instance,
      linkKey,
      network,
      random,
      record: () => this.#home.record!,
      stamp: stamps(this.#clock),
    };
    this.#lookups = new Lookups(this.#clock, network);
    const carrier = {
      clock: this.#clock,
      local: this.#local,
      send: (to: Key, packet: Uint8Array) => this.#send(to, packet),
      lookUp: (shared: SharedLink) => void this.#lookUp(shared),
      why: () => `relay through ${this.#home.url}`,
    };
    this.#links = new Links(
      carrier,
      () => this.#home.session !== undefined,
      (link) => this.emit("link", { link }),
    );
    this.#reception = new Reception({
      ...carrier,
      knows: (peer) => this.#links.get(peer) !== undefined,
      judge: (peer) => this.#judge(peer),
      welcome: (peer, greeting, init) => this.#links.welcome(peer, greeting, init),
    });
  }

  /** Links under way, one handle each. */
  get links(): ReadonlyMap<PeerId, Link> {
    return this.#links.handles;
  }

  /** The session with a node that this peer has now, if any. */
  get node(): NodeSession | undefined {
    const session = this.#home.session;
    return session && {
      url: this.#home.url,
      id: session.remote,
      session: session.id,
      rtt: session.rtt,
      pingsSent: session.pingsSent,
      pongsMatched: session.pongsMatched,
    };
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * A link with a peer: a new one, or another handle of the one there is. Resolves as
   * soon as the peer is found, so that what is sent at once travels in the first
   * packet; `link.opened` tells when the peer has answered.
   *
   * @throws {TypeError} when `id` is no PeerId, or this peer's own.
   * @throws {WaymeetError} `absent`, `node-unreachable`, `timeout`, `aborted`, `closed`.
   */
  async dial(id: string, { signal, deadline = 0 }: DialOptions = {}): Promise<Link> {
    const peer = parsePeerId(id);
    if (peer === this.id) throw new TypeError("that is this peer's own id: a link needs two peers");
    this.#check();
    const began = this.#clock.now();
    for (let wait = SEEK_FIRST;; wait = Math.min(2 * wait, SEEK_LAST)) {
      const known = this.#links.join(peer);
      if (known) return known;
      const finding = await this.#seek(peer, began + Math.max(deadline, NODE_PATIENCE), signal);
      if (finding.kind === "found") return this.#links.join(peer) ?? this.#links.begin(peer, finding.record);
      const patience = finding.kind === "lost" ? Math.max(deadline, NODE_PATIENCE) : deadline;
      if (this.#clock.now() + wait > began + patience) throw notFound(finding, peer, deadline);
      await this.#start.pause(this.#clock, wait, signal);
    }
  }

  /**
   * Sends one message and resolves when the other process has it: a dial, a send and a
   * close in one. `deadline` (milliseconds, default 0) is how long the peer may be away.
   */
  async send(id: string, data: Uint8Array | string, options: SendOptions = {}): Promise<Delivery> {
    const link = await this.dial(id, { signal: options.signal, deadline: options.deadline });
    try {
      return await link.send(data, { ...options, deadline: options.deadline || undefined });
    } finally {
      void link.close();
    }
  }

  /** Closes links and session politely. Nothing of this peer keeps the process alive afterwards. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Opening and closing.

  async #begin(): Promise<void> {
    this.#home.dial();
    if (this.#settings.offline) return;
    await this.#start.first(this.#settings.signal);
  }

  async #finish(): Promise<void> {
    const error = new WaymeetError("closed", "the peer was closed");
    this.#start.fail(error);
    this.#failure ??= error;
    const links = this.#links.all;
    if (this.#home.session) {
      await Promise.all(links.map((shared) => this.#links.close(shared, "the program ended")));
    }
    for (const shared of links) shared.abort(Reason.linkClosed, "the peer was closed");
    this.#lookups.lost();
    this.#home.close(Reason.closed);
  }

  /** The node turned us away for good, or the attempts are used up. */
  #stop(error: WaymeetError, reason: number): void {
    this.#failure ??= error;
    this.#start.fail(error);
    for (const shared of this.#links.all) shared.abort(reason, error.message);
    void this.close();
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  // The node.

  #up(session: Session, url: string): void {
    this.#start.go();
    for (const shared of this.#links.all) shared.setPath(true);
    this.emit("node", { state: "connected", url, session: session.id });
  }

  #down(end: SessionEnd, url: string, decision: Decision): void {
    this.#start.stop();
    this.#lookups.lost();
    for (const shared of this.#links.all) shared.setPath(false);
    const change = { url, reason: reasonName(end.reason), text: end.text };
    if (decision.type === "stop") {
      this.#stop(errorOf(end, url), end.reason);
      return void this.emit("node", { state: "stopped", ...change });
    }
    this.#start.failed(() => errorOf(end, url), this.#settings.nodes.length);
    this.emit("node", { state: "disconnected", ...change, retryIn: decision.delay });
  }

  #control(frame: Control): void {
    if (frame.kind === "found") void this.#lookups.answer(frame);
    if (frame.kind === "notice") this.#notice(frame.reason, frame.peer);
  }

  /** A hint that ends nothing: it makes the link look elsewhere, or slow down. */
  #notice(reason: number, key: Key): void {
    const shared = this.#links.get(peerIdText(key));
    if (reason === Reason.queueFull || reason === Reason.rateLimited || reason === Reason.overQuota) {
      shared?.congested();
    } else if (reason === Reason.absent || reason === Reason.gone) shared?.absent();
  }

  // Packets.

  #send(to: Key, packet: Uint8Array): void {
    this.#home.session?.send(encodeData(to, packet));
  }

  #data(source: Key, bytes: Uint8Array): void {
    const packet = readPacket(bytes);
    if (!packet) return;
    const peer = peerIdText(source);
    if (packet.kind === "init") void this.#reception.receive(source.slice(), peer, packet);
    else this.#packet(source, peer, packet);
  }

  #packet(source: Key, peer: PeerId, packet: Packet): void {
    const shared = this.#links.get(peer);
    const result = shared?.take(packet);
    const record = shared?.connection.instance;
    if (result?.stamp !== undefined && record) {
      this.#reception.freshness.learn(peer, record, result.stamp, this.#clock.now());
    }
    const strange = shared === undefined || result?.unknown;
    if (packet.kind === "transport" && strange) this.#send(source, writeUnknown(packet.epoch));
  }

  // Links.

  async #judge(peer: PeerId): Promise<{ accepted: true } | { accepted: false; reason: string }> {
    if (this.#closed) return { accepted: false, reason: "the program is ending" };
    const request = new LinkRequest(peer);
    this.emit("request", { request });
    return await request.verdict(this.#settings.accept);
  }

  async #lookUp(shared: SharedLink): Promise<void> {
    const session = this.#home.session;
    if (!session) return; // the link resumes by itself when a session is there
    const finding = await this.#lookups.ask(session, shared.key);
    if (finding.kind === "found") shared.found(finding.record);
    else if (finding.kind === "absent") shared.absent();
  }

  async #seek(peer: PeerId, until: number, signal: AbortSignal | undefined): Promise<Finding> {
    await this.#start.wait(this.#clock, until, signal);
    this.#check();
    const session = this.#home.session;
    return session ? await this.#lookups.ask(session, peerIdBytes(peer)) : { kind: "lost" };
  }
}

/** Milliseconds a dial waits for the session with the node. */
const NODE_PATIENCE = 10_000;
/** Waits between looking for a peer that is away, milliseconds. */
const SEEK_FIRST = 100;
const SEEK_LAST = 2_000;

function notFound(finding: Finding, peer: PeerId, deadline: number): WaymeetError {
  if (finding.kind === "lost") {
    return new WaymeetError("node-unreachable", "the node did not answer: is it running?", { peer });
  }
  const text = deadline > 0
    ? `the peer did not come within ${deadline} ms`
    : "no node knows this peer: is it running? A dial with a deadline waits for it";
  return new WaymeetError("absent", text, { peer });
}

/** Wall-clock milliseconds, each larger than the one before. */
function stamps(clock: Clock): () => number {
  let last = 0;
  return () => last = Math.max(last + 1, Math.floor(clock.wall()));
}
