/**
 * A node's sessions with others: exactly one with each, dialled again by the side that
 * has a URL, never ended while it is healthy.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Member } from "../mesh/members.ts";
import { PLACE_LONGEST, REDIAL_LONGEST } from "../mesh/mesh_limits.ts";
import type { Wanted } from "../mesh/neighbours.ts";
import { preferred } from "../mesh/one_session.ts";
import type { Place, Places, Surroundings } from "../mesh/places.ts";
import { dialSession } from "../session/dial.ts";
import { DEFAULT_BACKOFF, FRESH, reconnectStep } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { sessionUrl } from "../session/session_url.ts";
import type { Connect } from "../session/socket.ts";
import { decodeControl } from "../wire/frames.ts";
import { type Hello, Reason, Role } from "../wire/protocol.ts";
import { AGENT } from "../wire/version.ts";
import { NodeLink, type NodeLinkOwner } from "./node_link.ts";

/** Milliseconds a node that is dialled has for each step: shorter than for peers, the next one waits. */
const DIAL_STEP = 2_000;
/** Milliseconds until all neighbours of a node that fell silent have given up their sessions with it, and said so: they do not look in the same moment. */
const MOURNING = 3_000;
const BACKOFF = { ...DEFAULT_BACKOFF, max: REDIAL_LONGEST };
const SLOW_BACKOFF = { ...DEFAULT_BACKOFF, max: PLACE_LONGEST };

export interface MeshSessionsOptions {
  connect: Connect;
  /** That many bytes from a cryptographic source. */
  random: (length: number) => Uint8Array;
  places: Places;
  /** The first session with a node stands, or another one took its place. */
  up: (link: NodeLink) => void;
  /** The session with a node ended and none took its place. */
  down: (node: PeerId) => void;
  /** A node could not be dialled. */
  failed: (node: PeerId) => void;
}

interface Dial {
  link: NodeLink;
  place: Place | undefined;
  node: PeerId | undefined;
  self: boolean;
}

export class MeshSessions {
  readonly #owner: NodeLinkOwner;
  readonly #o: MeshSessionsOptions;
  readonly #standing = new Map<PeerId, NodeLink>();
  /** When the last session with a node ended that has none now, monotonic milliseconds. */
  readonly #ended = new Map<PeerId, number>();
  readonly #open = new Set<NodeLink>();
  readonly #dials = new Map<NodeLink, Dial>();
  readonly #instance: Uint8Array;
  readonly #started: number;
  #attempts = 0;
  #leaving = false;

  /** @throws {TypeError} when a seed is no URL of a node. */
  constructor(owner: NodeLinkOwner, options: MeshSessionsOptions) {
    this.#owner = owner;
    this.#o = options;
    for (const { url } of options.places) sessionUrl(url, owner.identity.id);
    this.#instance = options.random(16);
    this.#started = Math.floor(owner.clock.wall());
  }

  /**
   * Whether a node answers late, or its session ended a moment ago: another neighbour may believe that
   * it reaches it still. What can go elsewhere should.
   */
  doubts(node: PeerId): boolean {
    const link = this.#standing.get(node);
    if (link !== undefined) return link.answering.doubted;
    const endedAt = this.#ended.get(node);
    return endedAt !== undefined && this.#owner.clock.now() - endedAt < MOURNING;
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

  /** Dials who is wanted, and places where nodes may be found. */
  look(wanted: readonly Wanted[], members: Iterable<Member>): void {
    if (this.#leaving) return;
    const { places } = this.#o;
    const dialling = new Set([...this.#dials.values()].map(({ node }) => node));
    for (const { node, urls } of wanted) {
      const able = urls.filter((url) => !places.isOwn(url));
      if (able.length > 0 && !dialling.has(node)) this.#dial(able[this.#attempts++ % able.length]!, node);
    }
    for (const place of places.due(this.#surroundings(members), this.#owner.clock.now())) {
      this.#dial(place.url, place.node, place);
    }
  }

  #surroundings(members: Iterable<Member>): Surroundings {
    const able = [...members].filter(({ urls }) => urls.length > 0);
    return {
      alone: this.#standing.size === 0,
      joined: (node) => this.#standing.has(node),
      lists: (node) => able.some((member) => member.node === node),
      listsUrl: (url) => able.some(({ urls }) => urls.includes(url)),
    };
  }

  /** A greeted link takes its place, unless the one that stands is preferred. */
  stand(link: NodeLink): void {
    const older = this.#standing.get(link.remote);
    if (older && preferred(older, link) === "older") {
      return link.session.close(Reason.replaced, "another session of these two nodes stands");
    }
    this.#standing.set(link.remote, link);
    this.#ended.delete(link.remote);
    older?.session.close(Reason.replaced, "another session of these two nodes stands");
    const dial = this.#dials.get(link);
    this.#dials.delete(link);
    if (dial?.place) Object.assign(dial.place, { backoff: FRESH, dueAt: 0, dialling: false });
    this.#o.up(link);
  }

  closed(link: NodeLink, end: SessionEnd): void {
    this.#open.delete(link);
    const dial = this.#dials.get(link);
    this.#dials.delete(link);
    if (dial) this.#missed(dial, end);
    if (!link.session || this.#standing.get(link.remote) !== link) return;
    this.#standing.delete(link.remote);
    this.#mourn(link.remote, this.#owner.clock.now());
    this.#o.down(link.remote);
  }

  #mourn(node: PeerId, now: number): void {
    for (const [other, endedAt] of this.#ended) if (now - endedAt >= MOURNING) this.#ended.delete(other);
    this.#ended.set(node, now);
  }

  /** Ends all sessions; none is begun any more. */
  leave(): void {
    this.#leaving = true;
    for (const link of this.#open) link.session?.close(Reason.draining, "this node is leaving");
  }

  #dial(url: string, node: PeerId | undefined, place?: Place): void {
    const { identity, network, clock } = this.#owner;
    const link = new NodeLink(this.#owner, true);
    const dial: Dial = { link, place, node, self: false };
    if (place) place.dialling = true;
    this.#dials.set(link, dial);
    this.#open.add(link);
    try {
      link.session = dialSession({
        url,
        identity,
        role: Role.node,
        decode: decodeControl,
        network,
        instance: this.#instance,
        started: (hello) => (this.#met(dial, url, hello), this.#started),
        agent: AGENT,
        expectNode: place ? place.expect : node,
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
      if (place) Object.assign(place, { dialling: false, dueAt: Infinity });
      else if (node !== undefined) this.#o.failed(node);
    }
  }

  #met(dial: Dial, url: string, hello: Hello): void {
    const node = peerIdText(hello.node);
    dial.self = node === this.#owner.identity.id;
    if (dial.place) dial.place.node = node;
    if (dial.self) this.#o.places.foundMyself(url);
  }

  #missed({ place, node, self }: Dial, end: SessionEnd): void {
    if (place) {
      const random = this.#o.random(1)[0]! / 256;
      const window = place.source === "list" ? BACKOFF : SLOW_BACKOFF;
      const { state, decision } = reconnectStep(place.backoff, end, 0, random, window);
      const delay = decision.type === "retry" ? decision.delay : window.max;
      Object.assign(place, { backoff: state, dueAt: this.#owner.clock.now() + delay, dialling: false });
    }
    if (!self && node !== undefined && !this.#standing.has(node)) this.#o.failed(node);
  }
}
