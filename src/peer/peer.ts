import type { Local, Remote } from "../link/greeting.ts";
import { checkDeadline, type Link, type SendOptions } from "../link/link.ts";
import type { Delivery } from "../link/outgoing.ts";
import type { Plane } from "../link/planes.ts";
import type { Finding } from "../link/seeker.ts";
import type { LinkOwner } from "../link/shared_link.ts";
import { parsePeerId, type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { AttemptCounts, Punching } from "../path/punching.ts";
import type { Clock } from "../session/clock.ts";
import { Emitter } from "../session/emitter.ts";
import type { Decision } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { WaymeetError } from "../wire/error.ts";
import { type Control, type Key, type Rate, Reason } from "../wire/protocol.ts";
import { reasonName } from "../wire/reason.ts";
import { Arrivals } from "./arrivals.ts";
import { about, errorOf, notFound } from "./end_error.ts";
import {
  type DialOptions,
  type NodeSession,
  nodeSession,
  type PeerEvents,
  rateChange,
} from "./peer_events.ts";
import { Foretold } from "./foretold.ts";
import { Links } from "./links.ts";
import { firstFound, nearby, Paths } from "../path/paths.ts";
import { isFromBroker, punchingOf } from "./attempts.ts";
import { Pacing } from "./pacing.ts";
import { Moorings } from "./moorings.ts";
import { sendOne } from "./one_message.ts";
import { Passport } from "./passport.ts";
import { Lookups, NODE_PATIENCE, SEEK_FIRST, SEEK_LAST } from "./lookup.ts";
import { type PeerOptions, type Settings, settle } from "./options.ts";
import type { Platform } from "./platform.ts";
import { Reception, type Verdict } from "./reception.ts";
import { LinkRequest } from "./request.ts";
import { Standstill, unlessAborted } from "./standstill.ts";
import type { Watch, WatchOptions } from "./watch.ts";
import { Company } from "./company.ts";
import type { Topic } from "./topic.ts";
import type { TopicOptions } from "./topics.ts";

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
  readonly #moorings: Moorings;
  readonly #passport: Passport;
  readonly #local: Local;
  readonly #lookups: Lookups;
  readonly #foretold: Foretold;
  readonly #company: Company;
  readonly #arrivals: Arrivals;
  readonly #clock: Clock;
  readonly #pacing: Pacing;
  readonly #links: Links;
  readonly #punching: Punching | undefined;
  readonly #paths: Paths;
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
    const peer = new this(await settle(options), this.platform);
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
    const { clock, identity, network, random } = settings;
    const agent = settings.agent ? `${settings.agent} ${platform.name}` : platform.name;
    this.#passport = new Passport(identity, network, clock, random);
    this.#clock = this.#passport.clock;
    this.#lookups = new Lookups(this.#clock, network);
    this.#foretold = new Foretold(this.#clock, this.#lookups, settings.toward);
    this.#moorings = new Moorings(settings, { ...platform, name: agent }, this.#passport, {
      foretold: this.#foretold,
      up: (session, url, plane, change) => this.#up(session, url, plane, change),
      down: (end, url, plane, decision) => this.#down(end, url, plane, decision),
      stopped: (end, url) => this.#stopped(end, url),
      data: (source, packet, plane) =>
        this.#arrivals.take(source, packet, plane, (answer) => this.#pacing.send(source, answer, plane)),
      control: (frame, plane) => this.#control(frame, plane),
    });
    this.#pacing = new Pacing(clock, (plane) => this.#moorings.by(plane), this.#foretold);
    this.#local = this.#passport.local(random);
    const carrier: Omit<LinkOwner, "superseded" | "ended"> = {
      clock: this.#clock,
      local: this.#local,
      send: (to: Key, packet: Uint8Array, plane: Plane) => this.#pacing.send(to, packet, plane),
      pause: (plane) => this.#pacing.wait(plane),
      planes: () => this.#moorings.sessions.length,
      overdue: () => this.#moorings.doubt(),
      find: (key) => firstFound(this.#paths.find(key), this.#findAtNodes(key)),
      lookOut: (peer, seen) => this.#company.lookOut(peer, seen),
      said: (message, tag) => this.#company.topics.said(message, tag),
      steer: (host) => this.#paths.steer(host),
      arrived: (from, packet, route, reply) => this.#arrivals.take(from, packet, route, reply),
      signalled: (host, attempt, words) => this.#punching?.signalled(host, attempt, words),
      why: (plane: Plane) => `relay through ${this.#moorings.urlOf(plane)}`,
    };
    this.#company = new Company(identity, network, {
      clock: this.#clock,
      key: identity.publicKey,
      dial: (peer, signal) => this.#reach(peer, { signal }),
      post: (peer, data, options) => this.#links.get(peer)?.post(data, options),
    });
    this.#links = new Links(
      carrier,
      () => this.#moorings.session !== undefined || this.#foretold.collects,
      (link) => this.emit("link", { link }),
    );
    const reception = new Reception({
      clock: this.#clock,
      local: this.#local,
      knows: (peer) => this.#links.get(peer) !== undefined,
      judge: (peer) => this.#judge(peer),
      welcome: (peer, greeting, init) => this.#links.welcome(peer, greeting, init),
    });
    const host = (peer: PeerId) => this.#links.get(peer)?.carriage;
    this.#punching = platform.rtc && punchingOf(settings, platform.rtc, this.#moorings, host);
    const neighbourhoods = settings.local ? platform.neighbourhoods ?? nearby() : [];
    this.#paths = new Paths(
      {
        id: this.id,
        key: identity.publicKey,
        network,
        clock: this.#clock,
        record: () => this.#passport.record,
        arrived: (from, packet, reply) => this.#arrivals.take(from, packet, "home", reply),
        host,
      },
      neighbourhoods,
      platform.paths ?? (this.#punching && (() => this.#punching!)),
    );
    this.#arrivals = new Arrivals(this.#clock, reception, (peer) => this.#links.get(peer));
  }

  /** Links under way, one handle each. */
  get links(): ReadonlyMap<PeerId, Link> {
    return this.#links.handles;
  }

  /** The session with its home node that this peer has now, if any. */
  get node(): NodeSession | undefined {
    return this.nodes[0];
  }

  /** All of them: home first, then the standby. */
  get nodes(): NodeSession[] {
    return this.#moorings.sessions.map(nodeSession);
  }

  /** What became of attempts to open direct paths, those of others among them. */
  get attempts(): AttemptCounts {
    return this.#punching?.counts ?? { outcomes: {}, unconfirmed: 0 };
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
   * @throws {RangeError} when `deadline` is no time that a timer can wait.
   * @throws {WaymeetError} `absent`, `node-unreachable`, `aborted`, `closed`.
   */
  async dial(id: string, options: DialOptions = {}): Promise<Link> {
    const over = this.#links.dialling(parsePeerId(id));
    try {
      return await this.#reach(id, options);
    } finally {
      over();
    }
  }

  /** A link to send by: what the other side begins meanwhile is still news to the program. */
  async #reach(id: string, { signal, deadline = 0 }: DialOptions): Promise<Link> {
    const peer = parsePeerId(id);
    if (peer === this.id) throw new TypeError("that is this peer's own id: a link needs two peers");
    checkDeadline(deadline);
    return await this.#dial(peer, deadline, signal).catch((error) => {
      this.#punching?.forgo(peer);
      throw about(peer, error);
    });
  }

  async #dial(peer: PeerId, deadline: number, signal: AbortSignal | undefined): Promise<Link> {
    this.#check();
    const began = this.#clock.now();
    for (let wait = SEEK_FIRST;; wait = Math.min(2 * wait, SEEK_LAST)) {
      const known = this.#links.join(peer);
      if (known) return known;
      void this.#punching?.expect(peer);
      const finding = await this.#seek(peer, began + Math.max(deadline, NODE_PATIENCE), signal);
      if (finding.kind === "found") return await this.#begun(peer, finding.record, signal);
      const patience = finding.kind === "lost" ? Math.max(deadline, NODE_PATIENCE) : deadline;
      if (this.#clock.now() + wait > began + patience) throw notFound(finding, peer, deadline);
      await this.#start.pause(this.#clock, wait, signal);
    }
  }

  /** A link with a peer that was found, once an earlier one that is being closed has ended. */
  async #begun(peer: PeerId, record: Remote, signal: AbortSignal | undefined): Promise<Link> {
    await unlessAborted(this.#links.left(peer), signal);
    this.#check();
    return this.#links.join(peer) ?? this.#links.begin(peer, record);
  }

  /**
   * Sends one message and resolves when the other process has it: a dial, a send and a
   * close in one. `deadline` (milliseconds, default 0) is how long the peer may be away.
   */
  async send(id: string, data: Uint8Array | string, options: SendOptions = {}): Promise<Delivery> {
    const sending = { ...options, deadline: options.deadline || undefined };
    return await sendOne(() => this.#reach(id, options), data, sending);
  }

  /**
   * Tells when another peer comes, goes, and moves to another node. Close it when done.
   *
   * @throws {TypeError} when `id` is no PeerId. @throws {RangeError} for a patience that is no time.
   * @throws {WaymeetError} `closed`, or why this peer's nodes turned it away for good.
   */
  watch(id: string, options: WatchOptions = {}): Watch {
    this.#check();
    return this.#company.watching.watch(parsePeerId(id), options);
  }

  /**
   * Joins a topic: others that know its name (and secret) see this peer there, and it them.
   *
   * @throws {TypeError} when it is there already. @throws {WaymeetError} `over-quota`, `node-unreachable`, …
   */
  async join(topic: string | TopicOptions, { signal }: { signal?: AbortSignal } = {}): Promise<Topic> {
    this.#check();
    await this.#start.wait(this.#clock, this.#clock.now() + NODE_PATIENCE, signal);
    return await this.#company.topics.join(typeof topic === "string" ? { name: topic } : topic, signal);
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
    if (this.#settings.local) await this.#passport.sign([]).catch(() => undefined);
    this.#moorings.dial();
    if (!this.#settings.offline) await this.#start.first(this.#settings.signal);
  }

  async #finish(): Promise<void> {
    const error = new WaymeetError("closed", "the peer was closed");
    this.#start.fail(error);
    this.#failure ??= error;
    const carried = this.#links.all.filter(({ carriage }) =>
      this.#moorings.session !== undefined || carriage.using !== carriage.relay
    );
    await Promise.all(carried.map((shared) => this.#links.close(shared, "the program ended")));
    for (const shared of this.#links.all) shared.abort(Reason.linkClosed, "the peer was closed");
    this.#punching?.close();
    this.#paths.close();
    this.#lookups.lost();
    this.#company.close();
    this.#moorings.close(Reason.closed);
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  // The node.

  #up(session: Session, url: string, plane: Plane, state: "connected" | "promoted"): void {
    this.#start.go();
    this.#punching?.prepare();
    this.#company.attach(this.#moorings.sessions);
    for (const shared of this.#links.all) shared.setPath(true);
    this.emit("node", { state, url, plane, session: session.id });
  }

  #down(end: SessionEnd, url: string, plane: Plane, decision: Decision): void {
    const up = this.#moorings.session !== undefined;
    if (!up) this.#start.stop();
    this.#lookups.lost();
    this.#company.attach(this.#moorings.sessions);
    // What was under way through that node is gone; the other carries on at once.
    for (const shared of this.#links.all) {
      if (up) shared.carriage.reroute();
      else shared.setPath(false);
    }
    this.#start.failed(errorOf(end, url), url, this.#moorings.known);
    this.emit("node", {
      state: "disconnected",
      url,
      plane,
      reason: reasonName(end.reason),
      text: end.text,
      retryIn: decision.type === "retry" ? decision.delay : undefined,
    });
  }

  /** The nodes turned us away for good, or the attempts are used up. */
  #stopped(end: SessionEnd, url: string): void {
    const error = errorOf(end, url);
    this.#failure ??= error;
    this.#start.fail(error);
    for (const shared of this.#links.all) shared.abort(end.reason, error.message);
    void this.close();
    this.emit("node", { state: "stopped", url, reason: reasonName(end.reason), text: end.text });
  }

  #control(frame: Control, plane: Plane): void {
    if (frame.kind === "found") void this.#lookups.answer(frame);
    if (isFromBroker(frame)) this.#punching?.hear(frame);
    if (frame.kind === "rate") this.#heed(frame, plane);
    this.#company.hear(frame, plane);
    if (frame.kind === "notice") this.#notice(frame.reason, frame.peer, plane);
  }

  #heed(rate: Rate, plane: Plane): void {
    this.#pacing.hear(plane, rate);
    for (const { carriage } of this.#links.all) carriage.wake();
    this.emit("rate", rateChange(this.#moorings.urlOf(plane), plane, rate));
  }

  /** A hint that ends nothing: it makes the link look elsewhere, or slow down. */
  #notice(reason: number, key: Key, plane: Plane): void {
    const shared = this.#links.get(peerIdText(key));
    if (reason === Reason.queueFull || reason === Reason.rateLimited || reason === Reason.overQuota) {
      shared?.carriage.congested();
    } else if (reason === Reason.inDoubt) shared?.carriage.doubted();
    else if (reason === Reason.absent || reason === Reason.gone) shared?.absentBy(plane);
  }

  // Links.

  async #judge(peer: PeerId): Promise<Verdict> {
    const ending = { accepted: false, reason: "the program is ending" } as const;
    if (this.#closed) return ending;
    const request = new LinkRequest(peer);
    this.emit("request", { request });
    const verdict = await request.verdict(this.#settings.accept);
    return this.#closed ? ending : verdict;
  }

  /** Asks the home node, and the standby when home knows nothing. */
  #findAtNodes(key: Key): Promise<Finding> {
    return this.#lookups.find(this.#moorings.sessions.map(({ session }) => session), key);
  }

  async #seek(peer: PeerId, until: number, signal: AbortSignal | undefined): Promise<Finding> {
    const key = peerIdBytes(peer);
    const session = this.#start.wait(this.#clock, until, signal);
    const nodes = this.#foretold.find(peer, session, () => this.#findAtNodes(key));
    const finding = await unlessAborted(firstFound(this.#paths.find(key), nodes), signal);
    this.#check();
    return finding;
  }
}
