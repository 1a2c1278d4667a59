/**
 * Topics at one node: takes the announcements of peers here, and tells them who else is in
 * their topics. Each is shown all members or, of many, a random sample, and hears of those
 * alone: what a member costs the others does not grow with their number.
 *
 * @module
 */
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import { announced } from "../mesh/presence_judge.ts";
import type { Announced } from "../mesh/presence_types.ts";
import { take } from "../mesh/shuffle.ts";
import type { TopicChange, TopicId } from "../mesh/topic_index.ts";
import type { Clock } from "../session/clock.ts";
import { readAnnouncement, verifyAnnouncement } from "../wire/announcement.ts";
import { compareBytes } from "../wire/cbor.ts";
import { encodeMember, encodeRoster } from "../wire/frames.ts";
import { MAX_ROSTER } from "../wire/limits.ts";
import { type Announce, type Key, Reason } from "../wire/protocol.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Seat } from "./registry.ts";
import { TokenBucket } from "../session/token_bucket.ts";

/** Announcements of one peer that are verified at once. */
const MAX_VERIFYING = 16;
/** Milliseconds between two looks for announcements that have expired. */
const SWEEP = 10_000;

export interface TopicsOptions {
  network: string;
  limits: NodeLimits;
  metrics: NodeMetrics;
  clock: Clock;
  /** 0 ≤ … < 1 */
  random: () => number;
  /** Who is in a topic, at whatever node. */
  members: (topic: TopicId) => ReadonlySet<PeerId>;
  /** These are all topics of a peer here: {@link Topics.changed} is called for what that changes. */
  settle: (seat: Seat, topics: readonly Announced[]) => void;
}

/** A peer's place in a topic. */
interface Attended {
  announced: Announced;
  /** The members that it was shown; `undefined`: it does not want to be told here. */
  shown: Set<PeerId> | undefined;
  /** It was not told of something, since it does not read what it was told before. */
  untold: boolean;
}

interface Attendant {
  readonly topics: Map<TopicId, Attended>;
  readonly rate: TokenBucket;
  verifying: number;
}

export class Topics {
  readonly #o: TopicsOptions;
  readonly #attendants = new Map<Seat, Attendant>();
  /** Those here who are told about a topic. */
  readonly #told = new Map<TopicId, Set<Seat>>();
  #cancel: (() => void) | undefined;

  constructor(options: TopicsOptions) {
    this.#o = options;
  }

  /** Announcements that are held now. */
  get count(): number {
    let count = 0;
    for (const { topics } of this.#attendants.values()) count += topics.size;
    return count;
  }

  /** A peer says that it is in a topic. */
  async announce(seat: Seat, { announcement: bytes, tells }: Announce): Promise<void> {
    const { limits, clock } = this.#o;
    const now = clock.now();
    const attendant = this.#attendants.get(seat) ?? newAttendant(limits, now);
    this.#attendants.set(seat, attendant);
    const claim = readAnnouncement(bytes);
    if (!claim) return this.#o.metrics.announcementRefused(Reason.protocolError, seat.key);
    const topic = peerIdText(claim.topic);
    const allowed = attendant.rate.take(1, limits.announcementsPerSecond, limits.announcementBurst, now);
    const known = attendant.topics.get(topic)?.announced;
    const same = known && compareBytes(known.bytes, bytes) === 0;
    const obstacle = !allowed
      ? Reason.rateLimited
      : same
      ? Reason.none
      : await this.#obstacle(seat, attendant, topic, claim.peer, bytes);
    if (!seat.live) return;
    if (obstacle !== Reason.none) return this.#refuse(seat, claim.topic, obstacle);
    this.#take(
      seat,
      attendant,
      same ? known : announced(claim, bytes, clock.wall() + claim.expires - claim.issued),
      tells,
    );
  }

  withdraw(seat: Seat, topic: Key): void {
    const attendant = this.#attendants.get(seat);
    if (attendant && this.#drop(seat, attendant, peerIdText(topic))) this.#settle(seat, attendant);
  }

  /** The peer's record was kept: from now on others may learn of its topics. */
  kept(seat: Seat): void {
    const attendant = this.#attendants.get(seat);
    if (attendant && attendant.topics.size > 0) this.#settle(seat, attendant);
  }

  /** A peer's seat was taken from it. */
  left(seat: Seat): void {
    const attendant = this.#attendants.get(seat);
    if (!attendant) return;
    for (const topic of [...attendant.topics.keys()]) this.#drop(seat, attendant, topic);
    this.#attendants.delete(seat);
    if (this.#attendants.size === 0) this.#rest();
  }

  /** Somebody came to a topic, or left it, at whatever node. */
  changed({ topic, peer, present }: TopicChange): void {
    for (const seat of this.#told.get(topic) ?? []) {
      if (seat.session.remote === peer) continue;
      const attended = this.#attendants.get(seat)!.topics.get(topic)!;
      if (present) this.#show(seat, topic, attended, peer);
      else if (attended.shown!.delete(peer)) this.#replace(seat, topic, attended, peer);
    }
  }

  /** The peer has read what it was told: what it missed is told by a roster. */
  drained(seat: Seat): void {
    for (const [topic, attended] of this.#attendants.get(seat)?.topics ?? []) {
      if (!attended.untold) continue;
      attended.untold = false;
      attended.shown = this.#sample(seat, topic);
      this.#answer(seat, topic, attended);
    }
  }

  async #obstacle(
    seat: Seat,
    attendant: Attendant,
    topic: TopicId,
    peer: Key,
    bytes: Uint8Array,
  ): Promise<Reason> {
    if (
      !attendant.topics.has(topic) && attendant.topics.size + attendant.verifying >= this.#o.limits.topics
    ) {
      return Reason.overQuota;
    }
    if (attendant.verifying >= MAX_VERIFYING) return Reason.rateLimited;
    if (compareBytes(peer, seat.key) !== 0) return Reason.wrongId;
    attendant.verifying++;
    const now = this.#o.clock.wall();
    const { error } = await verifyAnnouncement(bytes, { network: this.#o.network, now })
      .catch(() => ({ error: "malformed" as const }));
    attendant.verifying--;
    if (error === undefined) return Reason.none;
    return error === "bad-signature" || error === "bad-key" ? Reason.badSignature : Reason.protocolError;
  }

  #refuse(seat: Seat, topic: Key, reason: Reason): void {
    this.#o.metrics.announcementRefused(reason, seat.key);
    if (this.#hasRoom(seat)) seat.session.send(encodeRoster(reason, topic, 0, []));
  }

  #take(seat: Seat, attendant: Attendant, announced: Announced, tells: boolean): void {
    const { topic } = announced;
    const before = attendant.topics.get(topic);
    // Two may be verified at once, and end in any order.
    const newest = before && before.announced.expires > announced.expires ? before.announced : announced;
    const shown = tells ? before?.shown ?? this.#sample(seat, topic) : undefined;
    const attended: Attended = { announced: newest, shown, untold: false };
    attendant.topics.set(topic, attended);
    this.#tellAbout(topic, seat, tells);
    if (before?.announced !== newest) this.#settle(seat, attendant);
    this.#answer(seat, topic, attended);
    this.#cancel ??= this.#o.clock.after(SWEEP, () => this.#sweep());
  }

  #tellAbout(topic: TopicId, seat: Seat, tells: boolean): void {
    const seats = this.#told.get(topic) ?? new Set();
    if (tells) this.#told.set(topic, seats.add(seat));
    else if (seats.delete(seat) && seats.size === 0) this.#told.delete(topic);
  }

  #drop(seat: Seat, attendant: Attendant, topic: TopicId): boolean {
    if (!attendant.topics.delete(topic)) return false;
    this.#tellAbout(topic, seat, false);
    return true;
  }

  #settle(seat: Seat, { topics }: Attendant): void {
    this.#o.settle(seat, Array.from(topics.values(), ({ announced }) => announced));
  }

  /** Others in the topic: all, or of many as many as a roster holds, at random. */
  #sample(seat: Seat, topic: TopicId): Set<PeerId> {
    const others = [...this.#o.members(topic)].filter((peer) => peer !== seat.session.remote);
    return new Set(take(others, MAX_ROSTER, this.#o.random));
  }

  #answer(seat: Seat, topic: TopicId, attended: Attended): void {
    if (!this.#hasRoom(seat)) return void (attended.untold = true);
    const peers = [...attended.shown ?? []].map(peerIdBytes);
    seat.session.send(encodeRoster(Reason.none, peerIdBytes(topic), this.#o.members(topic).size, peers));
  }

  #show(seat: Seat, topic: TopicId, attended: Attended, peer: PeerId): void {
    const shown = attended.shown!;
    if (shown.size >= MAX_ROSTER || shown.has(peer)) return;
    shown.add(peer);
    this.#tell(seat, topic, attended, peer, true);
  }

  /** One that was shown left; another takes its place, if there is one that was not shown. */
  #replace(seat: Seat, topic: TopicId, attended: Attended, gone: PeerId): void {
    this.#tell(seat, topic, attended, gone, false);
    const members = this.#o.members(topic);
    if (members.size <= attended.shown!.size + 1) return;
    const hidden = [...members].filter((peer) => peer !== seat.session.remote && !attended.shown!.has(peer));
    const next = hidden[Math.floor(this.#o.random() * hidden.length)];
    if (next !== undefined) this.#show(seat, topic, attended, next);
  }

  #tell(seat: Seat, topic: TopicId, attended: Attended, peer: PeerId, present: boolean): void {
    if (!this.#hasRoom(seat)) return void (attended.untold = true);
    seat.session.send(encodeMember(peerIdBytes(topic), peerIdBytes(peer), present));
  }

  #sweep(): void {
    this.#cancel = undefined;
    const now = this.#o.clock.wall();
    for (const [seat, attendant] of this.#attendants) {
      const over = [...attendant.topics.values()].filter(({ announced }) => announced.expires <= now);
      for (const { announced } of over) this.#drop(seat, attendant, announced.topic);
      if (over.length > 0) this.#settle(seat, attendant);
    }
    if (this.count > 0) this.#cancel = this.#o.clock.after(SWEEP, () => this.#sweep());
  }

  #rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #hasRoom(seat: Seat): boolean {
    return seat.live && seat.session.buffered <= this.#o.limits.queue;
  }
}

function newAttendant({ announcementBurst }: NodeLimits, now: number): Attendant {
  return { topics: new Map(), rate: new TokenBucket(announcementBurst, now), verifying: 0 };
}
