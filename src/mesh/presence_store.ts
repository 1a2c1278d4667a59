/**
 * One node's copy of what every node lists, and what follows from it for each peer. It
 * knows records, versions and epochs; who tells whom is the matter of `presence.ts`.
 *
 * @module
 */
import { type PeerId, peerIdBytes, peerIdText } from "../identity/peer_id.ts";
import { compareBytes } from "../wire/cbor.ts";
import { MAX_ORIGINS, MAX_RECORD, RECORD_LIFETIME } from "../wire/limits.ts";
import type { PresenceDelta, PresenceEntry } from "../wire/mesh_protocol.ts";
import type { SignedBytes } from "../wire/protocol.ts";
import { Directory, isNewer } from "./directory.ts";
import { isBlameless, judge, judgeTopics, misplaced, sameBytes, sameTopics } from "./presence_judge.ts";
import { EPOCH_AHEAD, PRESENCE_LIMITS, type PresenceLimits, TOMBSTONE } from "./presence_limits.ts";
import { entryOf, NO_TOPICS, OriginTable } from "./presence_table.ts";
import { type TopicChange, TopicIndex } from "./topic_index.ts";
import type {
  Announced,
  PresenceEvent,
  PresenceOptions,
  PresenceRefusal,
  Told,
  TopicVerdicts,
  Verdicts,
} from "./presence_types.ts";

/** An entry that may enter. */
interface Admitted {
  entry: PresenceEntry;
  peer: PeerId;
  told: Told | null;
  topics: readonly Announced[];
}

/** What became of a frame. */
export type Reception =
  | { type: "old" }
  /** What comes before it is missing. */
  | { type: "gap" }
  | { type: "refused"; why: PresenceRefusal }
  /** What of it was news, for others. */
  | { type: "taken"; delta: PresenceDelta };

export interface StoreSink {
  event(event: PresenceEvent): void;
  member(change: TopicChange): void;
  /** This node wrote something. */
  wrote(delta: PresenceDelta): void;
}

export class PresenceStore {
  readonly own: OriginTable;
  readonly directory: Directory;
  readonly topics: TopicIndex = new TopicIndex();
  readonly refusals: Map<PresenceRefusal, number> = new Map();
  readonly #origins = new Map<PeerId, OriginTable>();
  readonly #options: PresenceOptions;
  readonly #limits: PresenceLimits;
  readonly #sink: StoreSink;
  readonly #watched = new Map<PeerId, number>();
  /** Peers listed by all origins. */
  #total = 0;

  constructor(options: PresenceOptions, sink: StoreSink) {
    this.#options = options;
    this.#sink = sink;
    this.#limits = options.limits ?? PRESENCE_LIMITS;
    this.own = new OriginTable(options.node, options.epoch, options.epoch);
    this.#origins.set(options.node, this.own);
    const listed = (node: PeerId, peer: PeerId) => this.#origins.get(node)?.listed.get(peer)?.told;
    const sameId = (node: PeerId) => this.#origins.get(node)?.origin ?? node;
    this.directory = new Directory(listed, sameId, this.#limits.total);
  }

  tables(): OriginTable[] {
    return [...this.#origins.values()];
  }

  table(origin: PeerId): OriginTable | undefined {
    return this.#origins.get(origin);
  }

  watch(peer: PeerId): void {
    this.#watched.set(peer, (this.#watched.get(peer) ?? 0) + 1);
  }

  unwatch(peer: PeerId): void {
    const watchers = (this.#watched.get(peer) ?? 0) - 1;
    if (watchers > 0) this.#watched.set(peer, watchers);
    else this.#watched.delete(peer);
  }

  count(why: PresenceRefusal): void {
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
  }

  // Own peers.

  /** Lists a peer here, unless that is refused. */
  here(told: Told, now: number): PresenceRefusal | undefined {
    const peer = this.directory.sameId(peerIdText(told.record.peer));
    const before = this.own.listed.get(peer)?.told;
    if (before && sameBytes(before.signed, told.signed)) return undefined;
    const refused = this.#refusesHere(peer, told, now);
    if (refused) this.count(refused);
    else this.#write(peer, told, now);
    return refused;
  }

  /** The topics that a peer here is in; whoever is not listed here is in none. */
  announce(peer: PeerId, topics: readonly Announced[], now: number): void {
    const listed = this.own.listed.get(peer);
    if (!listed || sameTopics(listed.topics, topics)) return;
    this.#write(peer, listed.told, now, topics);
  }

  gone(peer: PeerId, now: number): void {
    if (this.own.listed.has(peer)) this.#write(peer, null, now);
  }

  /** Goes on under a greater epoch, with the same peers. */
  renew(epoch: number, now: number): boolean {
    if (epoch <= this.own.epoch) return false;
    const listed = [...this.own.listed];
    this.own.restart(epoch);
    for (const [peer, { told, topics }] of listed) this.own.list(peer, ++this.own.version, told, topics);
    this.own.touched = now;
    return true;
  }

  #refusesHere(peer: PeerId, told: Told, now: number): PresenceRefusal | undefined {
    if (told.signed.body.length > MAX_RECORD) return "too-large";
    const refused = misplaced(told, { network: this.#options.network, origin: this.own.key, now });
    if (refused) return refused;
    const newest = this.directory.newest(peer);
    if (newest && isNewer(newest, told)) return "older";
    return this.#isFull(this.own, peer) ? "full" : undefined;
  }

  #write(peer: PeerId, told: Told | null, now: number, topics = this.#topicsAt(this.own, peer)): void {
    const { key: origin, epoch, version: from } = this.own;
    const to = ++this.own.version;
    const entry = told
      ? entryOf(to, peer, told, topics, now)
      : { version: to, peer: peerIdBytes(peer), record: null };
    this.#enter(this.own, { entry, peer, told, topics }, now);
    this.#sink.wrote({ kind: "presence", origin, epoch, from, to, entries: [entry] });
  }

  // Others' peers.

  /** The records of a frame that {@link receive} needs verdicts on. */
  unverified(delta: PresenceDelta, now: number): SignedBytes[] {
    const origin = peerIdText(delta.origin);
    const base = this.#base(origin, delta);
    if (typeof base === "string" || this.#refusesOrigin(origin, delta.epoch, now)) return [];
    const found: SignedBytes[] = [];
    for (const { version, peer, record } of delta.entries) {
      if (version > base && record && !this.#knows(origin, peerIdText(peer), record)) found.push(record);
    }
    return found;
  }

  /** The announcements of a frame that {@link receive} needs verdicts on. */
  unverifiedTopics(delta: PresenceDelta, now: number): Uint8Array[] {
    const base = this.#base(peerIdText(delta.origin), delta);
    if (typeof base === "string" || this.#refusesOrigin(peerIdText(delta.origin), delta.epoch, now)) {
      return [];
    }
    return delta.entries.flatMap(({ version, peer, topics = [] }) => {
      const known = version > base && topics.length > 0 ? this.#knownTopics(peerIdText(peer)) : [];
      return version > base
        ? topics.filter((bytes) => !known.some((one) => compareBytes(one.bytes, bytes) === 0))
        : [];
    });
  }

  receive(delta: PresenceDelta, now: number, verdicts: Verdicts, topics: TopicVerdicts): Reception {
    const origin = peerIdText(delta.origin);
    const strange = this.#refusesOrigin(origin, delta.epoch, now);
    if (strange) return this.#refused(strange);
    const base = this.#base(origin, delta);
    if (base === "old") return { type: "old" };
    if (base === "gap") return this.#gap(origin, delta.epoch);
    const admitted = this.#admit(delta, base, now, verdicts, topics);
    if (typeof admitted === "string") return this.#refused(admitted);
    const table = this.#inEpoch(origin, delta.epoch, now);
    const entries = admitted.filter((one) => this.#enterIfRoom(table, one, now)).map(({ entry }) => entry);
    table.version = delta.to;
    table.touched = now;
    return { type: "taken", delta: { ...delta, from: base, entries } };
  }

  #refused(why: PresenceRefusal): Reception {
    this.count(why);
    return { type: "refused", why };
  }

  #refusesOrigin(origin: PeerId, epoch: number, now: number): PresenceRefusal | undefined {
    if (epoch > now + EPOCH_AHEAD) return "future-epoch";
    if (!this.admits(origin)) return "stranger";
    return !this.#origins.has(origin) && this.#origins.size >= MAX_ORIGINS ? "full" : undefined;
  }

  admits(origin: PeerId): boolean {
    return origin !== this.own.origin && this.#options.admits?.(origin) !== false;
  }

  /** The version after which a frame is news, or why it cannot be applied. */
  #base(origin: PeerId, { epoch, from, to }: PresenceDelta): number | "old" | "gap" {
    const table = this.#origins.get(origin);
    if (!table || epoch > table.epoch) return from === 0 ? 0 : "gap";
    if (epoch < table.epoch || table.forgotten || to <= table.version) return "old";
    return from <= table.version ? table.version : "gap";
  }

  /** Even so it tells that an earlier life is over. */
  #gap(origin: PeerId, epoch: number): Reception {
    this.outlive(origin, epoch);
    return { type: "gap" };
  }

  /** The entries of a frame that may enter, or why none may. */
  #admit(
    delta: PresenceDelta,
    base: number,
    now: number,
    verdicts: Verdicts,
    topicVerdicts: TopicVerdicts,
  ): Admitted[] | PresenceRefusal {
    const admitted: Admitted[] = [];
    for (const entry of delta.entries) {
      if (entry.version <= base) continue;
      const peer = this.directory.sameId(peerIdText(entry.peer));
      const told = entry.record && this.#judge(entry, peer, delta.origin, now, verdicts);
      if (typeof told === "string") {
        if (!isBlameless(told)) return told;
        this.count(told);
        continue;
      }
      const topics = this.#judgeTopics(entry, peer, told, topicVerdicts, now);
      if (typeof topics === "string") return topics;
      admitted.push({
        entry: told ? entryOf(entry.version, peer, told, topics, now) : entry,
        peer,
        told,
        topics,
      });
    }
    return admitted;
  }

  #judgeTopics(
    entry: PresenceEntry,
    peer: PeerId,
    told: Told | null,
    verdicts: TopicVerdicts,
    now: number,
  ): readonly Announced[] | PresenceRefusal {
    if (entry.topics === undefined || !told) return NO_TOPICS;
    return judgeTopics(entry, this.#knownTopics(peer), { verdicts, told, now }, (why) => this.count(why));
  }

  /** Announcements of a peer that were verified before, at whatever origin. */
  #knownTopics(peer: PeerId): readonly Announced[] {
    return this.#topicsBy(this.tables(), peer);
  }

  #topicsBy(tables: readonly OriginTable[], peer: PeerId): readonly Announced[] {
    return tables.flatMap((table) => this.#topicsAt(table, peer));
  }

  #topicsAt(table: OriginTable | undefined, peer: PeerId): readonly Announced[] {
    return table?.listed.get(peer)?.topics ?? NO_TOPICS;
  }

  #judge(
    entry: PresenceEntry,
    peer: PeerId,
    origin: Uint8Array,
    now: number,
    verdicts: Verdicts,
  ): Told | PresenceRefusal {
    const known = this.#knows(peerIdText(origin), peer, entry.record!);
    const verdict = verdicts.get(entry.record!);
    const newest = this.directory.newest(peer);
    return judge(entry, { network: this.#options.network, origin, now, known, newest, verdict });
  }

  /** The same bytes, if they were verified before. */
  #knows(origin: PeerId, peer: PeerId, signed: SignedBytes): Told | undefined {
    const newest = this.directory.newest(peer);
    if (newest && sameBytes(newest.signed, signed)) return newest;
    const listed = this.#origins.get(origin)?.listed.get(peer)?.told;
    return listed && sameBytes(listed.signed, signed) ? listed : undefined;
  }

  #inEpoch(origin: PeerId, epoch: number, now: number): OriginTable {
    this.outlive(origin, epoch);
    const table = this.#origins.get(origin) ?? new OriginTable(origin, epoch, now);
    this.#origins.set(origin, table);
    return table;
  }

  #enterIfRoom(table: OriginTable, admitted: Admitted, now: number): boolean {
    const full = admitted.told !== null && this.#isFull(table, admitted.peer);
    if (full) this.count("full");
    else this.#enter(table, admitted, now);
    return !full;
  }

  #isFull(table: OriginTable, peer: PeerId): boolean {
    if (table.listed.has(peer)) return false;
    return table.listed.size >= this.#limits.perOrigin || this.#total >= this.#limits.total;
  }

  #enter(table: OriginTable, { entry: { version }, peer, told, topics }: Admitted, now: number): void {
    const before = table.listed.size;
    if (told) {
      table.list(peer, version, told, topics);
      this.directory.hear(peer, told);
    } else table.bury(peer, version, now, this.#limits.gravesPerOrigin);
    table.touched = now;
    this.#total += table.listed.size - before;
    this.#settle(peer);
    this.#yield(peer, now);
  }

  // Ends of origins and records.

  /** A node died or left: its entries go. */
  forget(origin: PeerId): void {
    const table = this.#origins.get(origin);
    if (!table || table === this.own || table.forgotten) return;
    table.forgotten = true;
    this.#drop(table, () => table.clear());
  }

  revive(origin: PeerId): void {
    const table = this.#origins.get(origin);
    if (!table?.forgotten) return;
    table.forgotten = false;
    table.version = 0;
  }

  /** An origin lives anew, under a greater epoch: the entries of the earlier life go. */
  outlive(origin: PeerId, epoch: number): void {
    const table = this.#origins.get(origin);
    if (table && table !== this.own && epoch > table.epoch) this.#drop(table, () => table.restart(epoch));
  }

  sweep(now: number): void {
    for (const table of this.#origins.values()) {
      const { expired, thinned } = table.sweep(now);
      this.#total -= expired.length;
      for (const peer of [...expired, ...thinned]) this.#settle(peer);
      const over = table.empty && now - table.touched >= TOMBSTONE;
      if (over && table !== this.own) this.#origins.delete(table.origin);
    }
    this.directory.sweep(now);
  }

  /** Nothing has been left of it for long: it is no longer told of, so that all forget it. */
  isFaded(table: OriginTable, now: number): boolean {
    return table !== this.own && table.empty && now - table.touched >= RECORD_LIFETIME;
  }

  /** Empties a table by `act`, and tells what that means for its peers. */
  #drop(table: OriginTable, act: () => void): void {
    const peers = [...table.listed.keys()];
    act();
    this.#total -= peers.length;
    for (const peer of peers) this.#settle(peer);
  }

  #settle(peer: PeerId): void {
    const { before, after } = this.directory.settle(peer);
    this.#settleTopics(peer, after);
    if (!this.#watched.has(peer) || before[0] === after[0]) return;
    if (after.length === 0) this.#sink.event({ type: "offline", peer });
    else this.#sink.event({ type: before.length > 0 ? "moved" : "online", peer, nodes: after });
  }

  /** A peer is in the topics that any of its nodes lists. */
  #settleTopics(peer: PeerId, nodes: readonly PeerId[]): void {
    const tables = nodes.map((node) => this.#origins.get(node)!);
    const topics = this.#topicsBy(tables, peer);
    if (topics.length === 0 && !this.topics.has(peer)) return;
    const ids = new Set(topics.map(({ topic }) => topic));
    for (const change of this.topics.settle(peer, ids)) this.#sink.member(change);
  }

  /** A peer listed here that is elsewhere by a newer record is listed here no longer. */
  #yield(peer: PeerId, now: number): void {
    if (!this.own.listed.has(peer) || this.directory.counts(this.own.origin, peer)) return;
    this.#sink.event({ type: "superseded", peer });
    this.#write(peer, null, now);
  }
}
