/**
 * Presence: which peer is at which node, known to every node (protocol rule 17). Each
 * node alone writes what happens at itself, under ascending versions; changes are
 * pushed at once and differences found by digests, after van Renesse, Dumitriu, Gough,
 * Thomas: "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (2008).
 * What is known of an origin is always contiguous, so one number tells it.
 *
 * @module
 */
import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import type { Digest, DigestPoint, PresenceDelta } from "../wire/mesh_protocol.ts";
import type { PeerRecord, SignedBytes } from "../wire/protocol.ts";
import { Asking } from "./asking.ts";
import { deltas } from "./presence_frames.ts";
import { ANSWER_FRAMES, DIGEST_INTERVAL, EPOCH_AHEAD } from "./presence_limits.ts";
import { isAhead, Neighbours, type Points } from "./presence_neighbours.ts";
import { PresenceStore, type Reception } from "./presence_store.ts";
import type { OriginTable } from "./presence_table.ts";
import type {
  Announced,
  Place,
  PresenceEffect,
  PresenceOptions,
  PresenceRefusal,
  Told,
  TopicVerdicts,
  Verdicts,
} from "./presence_types.ts";
import type { TopicId } from "./topic_index.ts";

/** What is known of one origin. */
export interface OriginStatus {
  origin: PeerId;
  epoch: number;
  version: number;
  /** Peers that it lists. */
  peers: number;
}

/**
 * One node's view. Pure: `now` is always this node's wall clock, milliseconds since 1970. For how
 * long a record still holds is told from node to node; by whose clock it was signed does not
 * matter. Every method that changes something returns what is to be done.
 *
 * A driver calls {@link connected} and {@link disconnected} with the sessions of nodes,
 * {@link tick} a few times a second, {@link here} and {@link gone} with its own peers; and for
 * a frame that came {@link unverified}, verifies those, then {@link apply}: the frames of one
 * session in their order.
 */
export class Presence {
  readonly node: PeerId;
  readonly #passesOn: (origin: PeerId, neighbour: PeerId) => boolean;
  readonly #store: PresenceStore;
  readonly #neighbours = new Neighbours();
  readonly #asking = new Asking();
  #effects: PresenceEffect[] = [];
  /** Frames that brought something. */
  #taken = 0;
  #asked = -Infinity;

  constructor(options: PresenceOptions) {
    this.node = options.node;
    this.#passesOn = options.passesOn ?? (() => true);
    this.#store = new PresenceStore(options, {
      event: (event) => this.#effects.push(event),
      member: (change) => this.#effects.push({ type: "member", change }),
      wrote: (delta) => this.#spread(this.#store.own, delta),
    });
  }

  // Questions.

  get epoch(): number {
    return this.#store.own.epoch;
  }

  /** Peers that are somewhere. */
  get count(): number {
    return this.#store.directory.count;
  }

  /** How often what was not taken, and why. */
  get refusals(): ReadonlyMap<PresenceRefusal, number> {
    return this.#store.refusals;
  }

  /** Where a peer is. A record that expired leaves with the next {@link tick}. */
  find(peer: PeerId): Place | undefined {
    return this.#store.directory.find(peer);
  }

  /** The newest record of a peer that is known, also of one that is nowhere by now. */
  newest(peer: PeerId): Told | undefined {
    return this.#store.directory.newest(peer);
  }

  /** The peers that are at `origin`. */
  at(origin: PeerId): PeerId[] {
    const listed = this.#store.table(origin)?.listed.keys() ?? [];
    return [...listed].filter((peer) => this.#store.directory.counts(origin, peer));
  }

  origins(): OriginStatus[] {
    return this.#store.tables().map(({ origin, epoch, version, listed }) => ({
      origin,
      epoch,
      version,
      peers: listed.size,
    }));
  }

  /** Peers that are in a topic, at whatever node. */
  members(topic: TopicId): ReadonlySet<PeerId> {
    return this.#store.topics.members(topic);
  }

  /** Effects tell from now on when this peer comes, goes and moves. As often as watched it is to be unwatched. */
  watch(peer: PeerId): Place | undefined {
    this.#store.watch(peer);
    return this.find(peer);
  }

  unwatch(peer: PeerId): void {
    this.#store.unwatch(peer);
  }

  // This node's peers.

  /** A peer is here, or renewed its record, which the caller has verified. */
  here(
    record: PeerRecord,
    signed: SignedBytes,
    now: number,
  ): { effects: PresenceEffect[]; refused?: PresenceRefusal } {
    // It was signed a moment ago: the session of its peer proves that it is there.
    const refused = this.#store.here({ record, signed, until: now + record.expires - record.issued }, now);
    const effects = this.#take(now);
    return refused === undefined ? { effects } : { effects, refused };
  }

  /** The topics that a peer is in here, all of them, verified by the caller. It has to be {@link here}. */
  announce(peer: PeerId, topics: readonly Announced[], now: number): PresenceEffect[] {
    this.#store.announce(peer, topics, now);
    return this.#take(now);
  }

  /** A peer's session here ended. */
  gone(peer: PeerId, now: number): PresenceEffect[] {
    this.#store.gone(peer, now);
    return this.#take(now);
  }

  /** Goes on under a greater epoch, as membership decided. */
  renew(epoch: number, now: number): PresenceEffect[] {
    this.#renew(epoch, now);
    return this.#take(now);
  }

  // Nodes.

  /** A session with this node is ready. Whatever is believed of it, it lives. */
  connected(neighbour: PeerId, now: number): PresenceEffect[] {
    this.#neighbours.add(neighbour);
    this.#store.revive(neighbour);
    this.#asking.lost(neighbour);
    this.#asking.want(neighbour);
    return this.#take(now);
  }

  /** What this neighbour told may have been refused before its origin was a member: it is asked again. */
  missed(neighbour: PeerId, now: number): PresenceEffect[] {
    this.#want(neighbour);
    return this.#take(now);
  }

  disconnected(neighbour: PeerId, now: number): PresenceEffect[] {
    this.#neighbours.remove(neighbour);
    this.#asking.lost(neighbour);
    return this.#take(now);
  }

  /** A node died or left: its entries go at once. A greater epoch, or a session with it, brings it back. */
  forget(origin: PeerId, now: number): PresenceEffect[] {
    this.#store.forget(origin);
    return this.#take(now);
  }

  /** The node was not dead after all: what it lists is asked for anew. */
  revive(origin: PeerId, now: number): PresenceEffect[] {
    this.#store.revive(origin);
    return this.#take(now);
  }

  /** Asks the neighbours in turn, and forgets what has expired. */
  tick(now: number): PresenceEffect[] {
    this.#store.sweep(now);
    this.#asking.tick(now);
    if (now - this.#asked >= DIGEST_INTERVAL || now < this.#asked) {
      this.#asked = now;
      const neighbour = this.#neighbours.turn();
      if (neighbour) this.#asking.want(neighbour);
    }
    return this.#take(now);
  }

  // Frames.

  /** The records of a frame that {@link apply} needs verdicts on: not those known to the byte. */
  unverified(delta: PresenceDelta, now: number): SignedBytes[] {
    return this.#store.unverified(delta, now);
  }

  /** The same of its announcements. */
  unverifiedTopics(delta: PresenceDelta, now: number): Uint8Array[] {
    return this.#store.unverifiedTopics(delta, now);
  }

  /** Takes what a neighbour told. */
  apply(
    delta: PresenceDelta,
    from: PeerId,
    now: number,
    verdicts: Verdicts,
    topics: TopicVerdicts = NO_VERDICTS,
  ): PresenceEffect[] {
    this.#asking.heard(from, now);
    const origin = peerIdText(delta.origin);
    if (origin === this.node) this.#hearMyself(delta.epoch, delta.to, now);
    else this.#receive(origin, this.#store.receive(delta, now, verdicts, topics), delta, from);
    return this.#take(now);
  }

  /** What is known here, as a question for the rest. */
  digest(now: number): Digest {
    return { kind: "digest", answer: false, points: this.#points(now) };
  }

  /** Answers a neighbour's question, or learns that its own is answered. */
  answer(digest: Digest, from: PeerId, now: number): PresenceEffect[] {
    if (!this.#neighbours.has(from)) return [];
    const points = pointsOf(digest.points);
    const own = points.get(this.node);
    if (own) this.#hearMyself(own.epoch, own.version, now);
    this.#hearOrigin(from, points, now);
    if (digest.answer) this.#answered(points, from, now);
    else this.#reply(points, from, now);
    return this.#take(now);
  }

  // Hearing.

  #receive(origin: PeerId, reception: Reception, delta: PresenceDelta, from: PeerId): void {
    switch (reception.type) {
      case "old":
        return this.#neighbours.raise(from, origin, { epoch: delta.epoch, version: delta.to });
      case "gap":
        return this.#want(from);
      case "refused":
        return this.#refuse(reception.why, from);
      case "taken":
        this.#taken++;
        this.#neighbours.raise(from, origin, { epoch: delta.epoch, version: delta.to });
        return this.#spread(this.#store.table(origin)!, reception.delta);
    }
  }

  /** What was refused comes again when asked for; a stranger's, or one's for which there is no room, does not matter. */
  #refuse(why: PresenceRefusal, from: PeerId): void {
    if (why === "unverified") this.#want(from);
    else if (!TOLERATED.has(why)) this.#effects.push({ type: "blame", neighbour: from, why });
  }

  /** Somebody knows more of this node than itself: an earlier life of it, or a liar. */
  #hearMyself(epoch: number, version: number, now: number): void {
    if (!isAhead({ epoch, version }, this.#store.own)) return;
    if (epoch > now + EPOCH_AHEAD) return this.#store.count("future-epoch");
    this.#renew(epoch + 1, now);
    this.#effects.push({ type: "epoch", epoch: epoch + 1 });
  }

  /** A node's own word on its epoch: a later life ends the earlier. */
  #hearOrigin(from: PeerId, points: Points, now: number): void {
    const epoch = points.get(from)?.epoch ?? 0;
    if (epoch <= now + EPOCH_AHEAD) this.#store.outlive(from, epoch);
  }

  #renew(epoch: number, now: number): void {
    if (!this.#store.renew(epoch, now)) return;
    for (const neighbour of this.#neighbours.all()) {
      this.#bring(neighbour, this.#store.own, ANSWER_FRAMES, now);
    }
  }

  // Telling.

  #spread(table: OriginTable, frame: PresenceDelta): void {
    const mine = table === this.#store.own;
    const to = this.#neighbours.lacking(table.origin, frame)
      .filter((neighbour) => mine || (neighbour !== table.origin && this.#passesOn(table.origin, neighbour)));
    for (const neighbour of to) this.#neighbours.raise(neighbour, table.origin, table);
    if (to.length > 0) this.#effects.push({ type: "send", to, frame });
  }

  /** Sends a neighbour what it lacks of one origin; returns the frames that are left of `room`. */
  #bring(neighbour: PeerId, table: OriginTable, room: number, now: number): number {
    const points = this.#neighbours.points(neighbour);
    const point = points?.get(table.origin);
    if (!points || !isAhead(table, point) || (!point && this.#store.isFaded(table, now))) return room;
    for (const frame of deltas(table, point?.epoch === table.epoch ? point.version : 0, now)) {
      if (room-- <= 0) return 0;
      this.#neighbours.raise(neighbour, table.origin, { epoch: table.epoch, version: frame.to });
      this.#effects.push({ type: "send", to: [neighbour], frame });
    }
    return room;
  }

  #reply(points: Points, from: PeerId, now: number): void {
    this.#neighbours.learn(from, new Map(points));
    let room = ANSWER_FRAMES;
    for (const table of this.#store.tables()) {
      if (table.origin !== from && !table.forgotten) room = this.#bring(from, table, room, now);
    }
    const differing = this.#points(now).filter(({ origin, epoch, version }) => {
      const point = points.get(peerIdText(origin));
      return point?.epoch !== epoch || point.version !== version;
    });
    const frame: Digest = { kind: "digest", answer: true, points: differing };
    this.#effects.push({ type: "send", to: [from], frame });
    if (this.#isBehind(points)) this.#want(from);
  }

  #answered(points: Points, from: PeerId, now: number): void {
    const question = this.#asking.answered(from);
    if (!question) return;
    const theirs = new Map([...question.points, ...points]);
    if (!this.#neighbours.points(from)) this.#neighbours.learn(from, new Map(theirs));
    for (const [origin, point] of theirs) this.#neighbours.raise(from, origin, point);
    // Without progress a neighbour whose frames are refused would be asked for ever.
    if (question.taken < this.#taken && this.#isBehind(theirs)) this.#ask(from, now);
  }

  #isBehind(theirs: Points): boolean {
    for (const [origin, point] of theirs) {
      const table = this.#store.table(origin);
      const buried = table?.forgotten && point.epoch <= table.epoch;
      if (!buried && this.#store.admits(origin) && isAhead(point, table)) return true;
    }
    return false;
  }

  #points(now: number): DigestPoint[] {
    const told = this.#store.tables().filter((table) => !this.#store.isFaded(table, now));
    return told.map(({ key: origin, epoch, version }) => ({ origin, epoch, version }));
  }

  /** A frame may outlive its session while its records are verified. */
  #want(neighbour: PeerId): void {
    if (this.#neighbours.has(neighbour)) this.#asking.want(neighbour);
  }

  #ask(neighbour: PeerId, now: number): void {
    const frame = this.digest(now);
    this.#asking.asked(neighbour, pointsOf(frame.points), this.#taken, now);
    this.#effects.push({ type: "send", to: [neighbour], frame });
  }

  #take(now: number): PresenceEffect[] {
    const next = this.#asking.next();
    if (next) this.#ask(next, now);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** What an honest neighbour may pass on, knowing less or having more room. */
const TOLERATED: ReadonlySet<PresenceRefusal> = new Set(["full", "stranger", "future-epoch"]);

const NO_VERDICTS: TopicVerdicts = new Map();

function pointsOf(points: readonly DigestPoint[]): Points {
  return new Map(points.map(({ origin, epoch, version }) => [peerIdText(origin), { epoch, version }]));
}
