/**
 * A node's sessions with others: exactly one with each, dialled again by the side that
 * has a URL, never ended while it is healthy.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { REDIAL_LONGEST } from "../mesh/mesh_limits.ts";
import type { Wanted } from "../mesh/neighbours.ts";
import { preferred } from "../mesh/one_session.ts";
import { dialSession } from "../session/dial.ts";
import { DEFAULT_BACKOFF, FRESH, type ReconnectState, reconnectStep } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { sessionUrl } from "../session/session_url.ts";
import type { Connect } from "../session/socket.ts";
import { type Hello, Reason, Role } from "../wire/protocol.ts";
import { AGENT } from "../wire/version.ts";
import { NodeLink, type NodeLinkOwner } from "./node_link.ts";

/** Milliseconds a node that is dialled has for each step: shorter than for peers, the next one waits. */
const DIAL_STEP = 2_000;
const BACKOFF = { ...DEFAULT_BACKOFF, max: REDIAL_LONGEST };

export interface MeshSessionsOptions {
  connect: Connect;
  /** That many bytes from a cryptographic source. */
  random: (length: number) => Uint8Array;
  join: readonly string[];
  /** The first session with a node stands, or another one took its place. */
  up: (link: NodeLink) => void;
  /** The session with a node ended and none took its place. */
  down: (node: PeerId) => void;
  /** A node could not be dialled. */
  failed: (node: PeerId) => void;
}

/** A URL to begin with. */
interface Seed {
  readonly url: string;
  node: PeerId | undefined;
  dueAt: number;
  backoff: ReconnectState;
  dialling: boolean;
}

interface Dial {
  link: NodeLink;
  seed: Seed | undefined;
  node: PeerId | undefined;
  self: boolean;
}

export class MeshSessions {
  readonly #owner: NodeLinkOwner;
  readonly #o: MeshSessionsOptions;
  readonly #standing = new Map<PeerId, NodeLink>();
  readonly #open = new Set<NodeLink>();
  readonly #dials = new Map<NodeLink, Dial>();
  readonly #seeds: Set<Seed>;
  /** URLs at which this node found itself. */
  readonly #mine = new Set<string>();
  readonly #instance: Uint8Array;
  readonly #started: number;
  #attempts = 0;
  #leaving = false;

  /** @throws {TypeError} when a seed is no URL of a node. */
  constructor(owner: NodeLinkOwner, options: MeshSessionsOptions) {
    this.#owner = owner;
    this.#o = options;
    for (const url of options.join) sessionUrl(url, owner.identity.id);
    this.#seeds = new Set(options.join.map((url) => ({
      url,
      node: undefined,
      dueAt: 0,
      backoff: FRESH,
      dialling: false,
    })));
    this.#instance = options.random(16);
    this.#started = Math.floor(owner.clock.wall());
  }

  get size(): number {
    return this.#standing.size;
  }

  get(node: PeerId): NodeLink | undefined {
    return this.#standing.get(node);
  }

  [Symbol.iterator](): IterableIterator<NodeLink> {
    return this.#standing.values();
  }

  /** A node dialled this one, and the handshake is done. */
  receive(session: Session): NodeLink {
    const link = new NodeLink(this.#owner, false);
    this.#open.add(link);
    link.ready(session);
    return link;
  }

  /** Dials who is wanted, and seeds that were never reached, or all when alone. */
  look(wanted: readonly Wanted[], urlsOf: (node: PeerId) => readonly string[] | undefined): void {
    if (this.#leaving) return;
    const dialling = new Set([...this.#dials.values()].map(({ node }) => node));
    for (const { node, urls } of wanted) {
      const able = urls.filter((url) => !this.#mine.has(url));
      if (able.length > 0 && !dialling.has(node)) this.#dial(able[this.#attempts++ % able.length]!, node);
    }
    const now = this.#owner.clock.now();
    for (const seed of this.#seeds) {
      if (!seed.dialling && now >= seed.dueAt && this.#needs(seed, urlsOf)) {
        this.#dial(seed.url, seed.node, seed);
      }
    }
  }

  /** A greeted link takes its place, unless the one that stands is preferred. */
  stand(link: NodeLink): void {
    const older = this.#standing.get(link.remote);
    if (older && preferred(older, link) === "older") {
      return link.session.close(Reason.replaced, "another session of these two nodes stands");
    }
    this.#standing.set(link.remote, link);
    older?.session.close(Reason.replaced, "another session of these two nodes stands");
    const dial = this.#dials.get(link);
    this.#dials.delete(link);
    if (dial?.seed) Object.assign(dial.seed, { backoff: FRESH, dueAt: 0, dialling: false });
    this.#o.up(link);
  }

  closed(link: NodeLink, end: SessionEnd): void {
    this.#open.delete(link);
    const dial = this.#dials.get(link);
    this.#dials.delete(link);
    if (dial) this.#missed(dial, end);
    if (!link.session || this.#standing.get(link.remote) !== link) return;
    this.#standing.delete(link.remote);
    this.#o.down(link.remote);
  }

  /** Ends all sessions; none is begun any more. */
  leave(): void {
    this.#leaving = true;
    for (const link of this.#open) link.session?.close(Reason.draining, "this node is leaving");
  }

  #needs({ node }: Seed, urlsOf: (node: PeerId) => readonly string[] | undefined): boolean {
    if (node === undefined || this.#standing.size === 0) return true;
    return !this.#standing.has(node) && (urlsOf(node)?.length ?? 0) === 0;
  }

  #dial(url: string, node: PeerId | undefined, seed?: Seed): void {
    const { identity, network, clock } = this.#owner;
    const link = new NodeLink(this.#owner, true);
    const dial: Dial = { link, seed, node, self: false };
    if (seed) seed.dialling = true;
    this.#dials.set(link, dial);
    this.#open.add(link);
    try {
      link.session = dialSession({
        url,
        identity,
        role: Role.node,
        network,
        instance: this.#instance,
        started: (hello) => (this.#met(dial, url, hello), this.#started),
        agent: AGENT,
        expectNode: seed ? undefined : node,
        connect: this.#o.connect,
        clock,
        random: this.#o.random,
        deadline: DIAL_STEP,
        handlers: link,
      });
    } catch { // a URL of gossip that must not be dialled: `ws:` off loopback
      this.#open.delete(link);
      this.#dials.delete(link);
      this.#owner.counts.refused("bad-url");
      if (node !== undefined) this.#o.failed(node);
    }
  }

  #met(dial: Dial, url: string, hello: Hello): void {
    const node = peerIdText(hello.node);
    dial.self = node === this.#owner.identity.id;
    if (dial.seed) dial.seed.node = node;
    if (!dial.self) return;
    this.#mine.add(url);
    if (dial.seed) this.#seeds.delete(dial.seed);
  }

  #missed({ seed, node, self }: Dial, end: SessionEnd): void {
    if (seed) {
      const random = this.#o.random(1)[0]! / 256;
      const { state, decision } = reconnectStep(seed.backoff, end, 0, random, BACKOFF);
      const delay = decision.type === "retry" ? decision.delay : REDIAL_LONGEST;
      Object.assign(seed, { backoff: state, dueAt: this.#owner.clock.now() + delay, dialling: false });
    }
    if (!self && node !== undefined && !this.#standing.has(node)) this.#o.failed(node);
  }
}
