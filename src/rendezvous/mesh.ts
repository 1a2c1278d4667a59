/**
 * A node among others: joins the pure parts of the mesh (`src/mesh`) with sessions, a
 * clock and signatures, and does what they say.
 *
 * @module
 */
import type { Identity } from "../identity/identity.ts";
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import type { Claim } from "../mesh/claim.ts";
import { Members } from "../mesh/members.ts";
import type { MeshEffect } from "../mesh/mesh_effect.ts";
import { Neighbours } from "../mesh/neighbours.ts";
import { EPOCH_AHEAD } from "../mesh/presence_limits.ts";
import { Probing } from "../mesh/probing.ts";
import { Routes } from "../mesh/routes.ts";
import { Vouching } from "../mesh/vouching.ts";
import { SpanningTrees } from "../mesh/spanning_tree.ts";
import type { Clock } from "../session/clock.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { encodeMembers, encodeProbe, encodeProbeAck } from "../wire/frames.ts";
import { type AuthBody, type Control, Reason } from "../wire/protocol.ts";
import { Forwarding } from "./forwarding.ts";
import { MeshDiscovery } from "./mesh_discovery.ts";
import { MeshEdges } from "./mesh_edges.ts";
import { checkMesh, MeshCounts } from "./mesh_options.ts";
import type { MeshParts } from "./mesh_parts.ts";
import { MeshPresence } from "./mesh_presence.ts";
import { MeshSessions } from "./mesh_sessions.ts";
import { type MeshStatus, meshStatus } from "./mesh_status.ts";
import { claimOf, nonceBytes, nonceNumber, onWire } from "./mesh_wire.ts";
import { LINK_NONCE, type NodeLink, type NodeLinkOwner } from "./node_link.ts";

/** Milliseconds between two looks at who is to be dialled, and at silent neighbours. */
const LOOK = 250;
/** Looks between two sweeps of what peers elsewhere left behind. */
const SWEEP = 120;

export class Mesh implements NodeLinkOwner {
  readonly identity: Identity;
  readonly network: string;
  readonly clock: Clock;
  readonly token: string | undefined;
  urls: readonly string[];
  readonly counts: MeshCounts;
  readonly forwarding: Forwarding;
  readonly peers: MeshPresence;
  readonly #allow: ReadonlySet<PeerId> | undefined;
  readonly #parts: MeshParts;
  readonly #members: Members;
  readonly #neighbours: Neighbours;
  readonly #probing: Probing;
  readonly #routes: Routes;
  readonly #edges: MeshEdges;
  readonly #sessions: MeshSessions;
  readonly #discovery: MeshDiscovery;
  #stop: () => void = () => {};
  #lookAt = 0;
  #looks = 0;
  #left = false;

  /** @throws {TypeError | RangeError} when the options are wrong. */
  constructor(parts: MeshParts) {
    checkMesh(parts.options);
    this.counts = new MeshCounts((reason) => parts.metrics.onRefusal("mesh", reason));
    const { identity, network, clock, options } = parts;
    this.#parts = parts;
    this.identity = identity;
    this.network = network;
    this.clock = clock;
    this.token = options.token;
    this.urls = (options.urls ?? []).map((url) => new URL(url).href);
    this.#allow = options.allow && new Set(options.allow);
    const { id } = identity;
    const epoch = Math.floor(clock.wall());
    const random = () => new DataView(parts.random(4).buffer).getUint32(0) / 2 ** 32;
    const allowed = (node: PeerId) => this.allows(node);
    const horizon = () => clock.wall() + EPOCH_AHEAD;
    this.#members = new Members({ id, epoch, urls: this.urls, random, allowed, horizon });
    this.#neighbours = new Neighbours({ members: this.#members, target: options.target, random });
    this.#routes = new Routes({ id, epoch, known: (node) => this.#lives(node) });
    const hop = (target: PeerId) => this.#routes.nextHop(target);
    this.#probing = new Probing({ members: this.#members, hop, random }, clock.now());
    const links = () => this.#sessions;
    this.#discovery = new MeshDiscovery({ ...parts, random, counts: this.counts, links });
    this.#sessions = this.#makeSessions();
    this.#edges = this.#makeEdges();
    this.peers = this.#makePeers(epoch);
    this.forwarding = this.#makeForwarding();
    this.#discovery.begin();
    this.#step();
  }

  get epoch(): number {
    return this.#members.own.epoch;
  }

  /** Where this node is dialled turned out only when it listened. */
  listensAt(urls: readonly string[]): void {
    this.urls = urls.map((url) => new URL(url).href);
    this.#perform(this.#members.listensAt(this.urls));
  }

  allows(node: PeerId): boolean {
    return this.#allow?.has(node) ?? true;
  }

  /** Why a node may not have a session. */
  obstacle({ id }: AuthBody): string | undefined {
    const node = peerIdText(id);
    if (node === this.identity.id) return "this is the node itself";
    if (this.allows(node)) return undefined;
    this.counts.refused("not-allowed");
    return `this node is joined by listed nodes only; ask its operator to allow ${node}`;
  }

  /** The handshake with a node that dialled this one is done. */
  receive(session: Session): NodeLink {
    return this.#sessions.receive(session);
  }

  /** Where other living nodes are dialled. */
  otherUrls(): string[] {
    const alive = [...this.#members].filter(({ state }) => state === "alive");
    return alive.flatMap(({ urls }) => urls.slice(0, 1));
  }

  status(): MeshStatus {
    return meshStatus({
      members: this.#members,
      links: this.#sessions,
      routes: this.#routes,
      presence: this.peers.presence,
      counts: this.counts,
      discovery: this.#discovery.status,
      now: this.clock.now(),
    });
  }

  /** Says goodbye to the others and ends all sessions with them. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#stop();
    this.peers.stop();
    this.#edges.stop();
    this.#discovery.end();
    this.#perform(this.#members.leave());
    this.#sessions.leave();
  }

  greeted(link: NodeLink): void {
    this.#sessions.stand(link);
  }

  doubt(link: NodeLink, doubted: boolean): void {
    if (this.#sessions.get(link.remote) !== link) return;
    this.#routes.doubt(link.remote, doubted);
    if (doubted) this.forwarding.abroad.doubt(link.remote);
  }

  closed(link: NodeLink, end: SessionEnd): void {
    this.#sessions.closed(link, end);
  }

  forward(link: NodeLink, message: Uint8Array, start: number, end: number): void {
    this.forwarding.forward(link, message, start, end);
  }

  endOfMessage(link: NodeLink): void {
    this.forwarding.endOfMessage(link);
  }

  hear(link: NodeLink, frame: Control): void {
    if (this.#sessions.get(link.remote) !== link) return; // another one took its place
    const from = link.remote;
    const now = this.clock.now();
    switch (frame.kind) {
      case "members":
        this.#perform(this.#members.receive(from, frame.members.map(claimOf), now));
        return this.#edges.release();
      case "probe": {
        const { nonce, target } = frame;
        return this.#perform(this.#probing.probed(from, nonceBytes(nonce), peerIdText(target), now));
      }
      case "probeAck":
        if (frame.nonce === LINK_NONCE) return link.answered(now);
        return this.#perform(
          this.#probing.answered(from, nonceBytes(frame.nonce), peerIdText(frame.target)),
        );
      case "presence":
      case "digest":
        return this.peers.hear(link, frame);
      case "edges":
        return void this.#edges.hear(link, frame);
      case "undelivered":
        return this.forwarding.undelivered(link, frame);
      case "attemptTo":
      case "attemptFrom":
        return this.#parts.conveyed(frame);
      case "ban":
        return this.#parts.ordered(frame, link);
      default:
        this.counts.refused("not-for-nodes");
    }
  }

  #step(): void {
    const now = this.clock.now();
    this.#perform(this.#probing.tick(now));
    if (now >= this.#lookAt) this.#look(now);
    const next = Math.max(1, Math.min(this.#lookAt, this.#probing.due) - now);
    this.#stop = this.clock.after(next, () => this.#step());
  }

  #look(now: number): void {
    const late = this.#lookAt > 0 && now - this.#lookAt > LOOK;
    this.#lookAt = now + LOOK;
    for (const link of [...this.#sessions]) {
      if (late) link.heardAt = now; // what arrived meanwhile is not read yet
      if (link.rtt !== undefined) this.#routes.measured(link.remote, link.rtt);
      link.watch(now);
    }
    const wanted = this.#parts.options.fixed ? [] : this.#neighbours.wanted(now);
    this.#sessions.look(wanted, this.#members);
    this.peers.tick();
    if (++this.#looks % SWEEP !== 0) return;
    this.forwarding.abroad.sweep();
    this.#discovery.note();
  }

  // Sessions.

  #up(link: NodeLink): void {
    const now = this.clock.now();
    const { remote } = link;
    this.#neighbours.reached(remote);
    this.#perform(this.#members.sessionUp(remote, link.epoch, link.urls, now));
    const changed = this.#routes.sessionUp(remote, link.rtt);
    link.ask(now);
    this.#edges.tell(link);
    this.#parts.joined(link);
    if (changed) this.#edges.announce();
    this.peers.perform(this.peers.presence.connected(remote, this.clock.wall()));
  }

  #down(node: PeerId): void {
    this.#perform(this.#members.sessionDown(node, this.clock.now()));
    this.peers.perform(this.peers.presence.disconnected(node, this.clock.wall()));
    if (this.#routes.sessionDown(node) && !this.#left) this.#edges.announce();
    this.forwarding.abroad.doubt(node);
  }

  // What the pure parts want done.

  #perform(effects: readonly MeshEffect[]): void {
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: MeshEffect): void {
    switch (effect.type) {
      case "gossip":
        return this.#gossip(effect.claims, effect.except);
      case "tell":
        return this.#send(effect.to, encodeMembers(effect.claims.map(onWire)));
      case "sync":
        return this.#sync(effect.to);
      case "probe":
        return this.#send(effect.to, encodeProbe(nonceNumber(effect.nonce), peerIdBytes(effect.target)));
      case "probeAck":
        return this.#send(effect.to, encodeProbeAck(nonceNumber(effect.nonce), peerIdBytes(effect.target)));
      case "flooded":
        return this.#sessions.get(effect.from)?.session.close(Reason.protocolError, "a flood of nodes");
      case "dead":
      case "left":
        return this.#bury(effect.node, effect.epoch);
      case "refuted":
        if (effect.renewed) this.#renew(effect.epoch);
    }
  }

  #sync(node: PeerId): void {
    const link = this.#sessions.get(node);
    if (link) this.#edges.tell(link);
  }

  #gossip(claims: readonly Claim[], except: PeerId | undefined): void {
    this.#parts.learned();
    const frame = encodeMembers(claims.map(onWire));
    for (const { remote, session } of this.#sessions) if (remote !== except) session.send(frame);
  }

  #send(to: PeerId, frame: Uint8Array): void {
    this.#sessions.get(to)?.session.send(frame);
  }

  #bury(node: PeerId, epoch: number): void {
    this.#routes.bury(node, epoch);
    this.peers.perform(this.peers.presence.forget(node, this.clock.wall()));
  }

  #renew(epoch: number): void {
    this.#routes.renew(epoch);
    this.peers.perform(this.peers.presence.renew(epoch, this.clock.wall()));
    this.#edges.announce();
  }

  #outbid(epoch: number): void {
    this.#perform(this.#members.outbid(epoch, this.clock.now()));
  }

  /** What its neighbours told of its peers until now was refused, as a stranger's. */
  #vouched(node: PeerId): void {
    const [teller] = this.#members.sessions.keys();
    this.#perform(this.#members.vouch(node, this.clock.now()));
    if (teller) this.peers.perform(this.peers.presence.missed(teller, this.clock.wall()));
  }

  #lives(node: PeerId): boolean {
    const state = this.#members.state(node);
    return state === "alive" || state === "suspect";
  }

  // Parts.

  #makeSessions(): MeshSessions {
    return new MeshSessions(this, {
      ...this.#parts,
      places: this.#discovery.places,
      up: (link) => this.#up(link),
      down: (node) => this.#down(node),
      failed: (node) => this.#neighbours.failed(node, this.clock.now()),
    });
  }

  #makeEdges(): MeshEdges {
    const { identity, network, counts, clock } = this;
    return new MeshEdges({
      clock,
      identity,
      network,
      counts,
      routes: this.#routes,
      links: this.#sessions,
      known: (node) => this.#lives(node),
      vouching: new Vouching({ members: this.#members, routes: this.#routes }),
      vouched: (node) => this.#vouched(node),
      outbid: (epoch) => this.#outbid(epoch),
    });
  }

  #makePeers(epoch: number): MeshPresence {
    const { identity: { id }, network, counts, clock } = this;
    const trees = new SpanningTrees(this.#routes);
    return new MeshPresence({
      id,
      epoch,
      network,
      counts,
      clock,
      link: (node) => this.#sessions.get(node),
      admits: (origin) => this.#members.state(origin) !== undefined,
      // When nobody is known to tell it, this node does.
      passesOn: (origin, neighbour) => (trees.parent(origin, neighbour) ?? id) === id,
      superseded: this.#parts.superseded,
      moved: (peer, node) => {
        if (node === undefined) this.#parts.metrics.goneNotices += this.forwarding.abroad.left(peer);
        this.#parts.moved(peer, node);
      },
      member: this.#parts.member,
      outbid: (newEpoch) => this.#outbid(newEpoch - 1),
    });
  }

  #makeForwarding(): Forwarding {
    const { registry, limits, metrics } = this.#parts;
    return new Forwarding({
      id: this.identity.id,
      registry,
      limits,
      metrics,
      counts: this.counts,
      presence: this.peers.presence,
      wall: () => this.clock.wall(),
      hop: (node, from) => {
        const link = from ? this.#sessions.get(this.#routes.agreedHop(node) ?? node) : this.toNode(node);
        return link === from ? this.#sessions.get(node) : link;
      },
      distance: (node, from) => this.#routes.distance(node, from !== undefined) ?? Infinity,
      doubts: (node) => this.#sessions.doubts(node),
    });
  }

  toNode(node: PeerId): NodeLink | undefined {
    return this.#sessions.get(this.#routes.nextHop(node) ?? node);
  }

  toPeer(peer: Uint8Array): NodeLink | undefined {
    return this.forwarding.wayTo(peer);
  }
}
