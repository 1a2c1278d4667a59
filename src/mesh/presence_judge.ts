/** Whether one entry of a stranger's frame may enter. */
import { compareBytes } from "../wire/cbor.ts";
import type { PresenceEntry } from "../wire/mesh_protocol.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { Announcement, PeerRecord, SignedBytes } from "../wire/protocol.ts";
import { compareRecords, untoldError } from "../wire/record.ts";
import type { Announced, PresenceRefusal, Told, TopicVerdicts, Verdict } from "./presence_types.ts";

export interface Judgement {
  network: string;
  origin: Uint8Array;
  /** Wall milliseconds. */
  now: number;
  /** The same bytes, verified before. */
  known: Told | undefined;
  /** The newest record of that peer. */
  newest: Told | undefined;
  verdict: Verdict | undefined;
}

/** The record of an entry, once all that it claims holds, or why it may not enter. */
export function judge(entry: PresenceEntry, context: Judgement): Told | PresenceRefusal {
  const told = verified(entry, context);
  if (typeof told === "string") return told;
  if (compareBytes(told.record.peer, entry.peer) !== 0) return "wrong-peer";
  return misplaced(told, context) ?? told;
}

/** The same bytes hold until when they held before: who tells them again cannot lengthen that. */
function verified(entry: PresenceEntry, { known, newest, verdict, now }: Judgement): Told | PresenceRefusal {
  if (known) return known;
  if (!verdict) return "unverified";
  if (verdict.error !== undefined) return verdict.error;
  const { record } = verdict;
  const until = endOf(record, entry.left, now, newest);
  return typeof until === "string" ? until : { record, signed: entry.record!, until };
}

/**
 * Until when a record holds here. One that is older than another of the same process is judged by its
 * peer's own clock, as the newer one shows it: else whoever kept it could bring its peer back.
 */
function endOf(record: PeerRecord, left: number | undefined, now: number, newest?: Told) {
  if (left === undefined) return untoldError(record, now) ?? record.expires;
  const until = now + Math.min(left, record.expires - record.issued);
  if (!newest || compareBytes(newest.record.instance, record.instance) !== 0) return until;
  if (compareRecords(record, newest.record) > 0) return until;
  return Math.min(until, newest.until - newest.record.expires + record.expires);
}

/** Why a genuine record may not be listed at `origin` now. */
export function misplaced(
  { record, until }: Pick<Told, "record" | "until">,
  { network, origin, now }: Pick<Judgement, "network" | "origin" | "now">,
): PresenceRefusal | undefined {
  if (record.network !== network) return "wrong-network";
  if (!record.nodes.some((node) => compareBytes(node, origin) === 0)) return "wrong-node";
  return until <= now ? "expired" : undefined;
}

/** What clocks and memory explain; everything else an honest neighbour would not have passed on. */
export function isBlameless(refusal: PresenceRefusal): boolean {
  return refusal === "expired" || refusal === "future" || refusal === "full";
}

export interface TopicJudgement {
  verdicts: TopicVerdicts;
  /** The record of the same entry. */
  told: Told;
  /** Wall milliseconds. */
  now: number;
}

/**
 * The announcements of an entry that may enter, each as it was verified before or now, or why
 * the entry may not. Those that are merely late or early are left out.
 */
export function judgeTopics(
  entry: PresenceEntry,
  known: readonly Announced[],
  { verdicts, told, now }: TopicJudgement,
  leftOut: (why: PresenceRefusal) => void,
): readonly Announced[] | PresenceRefusal {
  const topics: Announced[] = [];
  for (const bytes of entry.topics ?? []) {
    const before = known.find((announced) => compareBytes(announced.bytes, bytes) === 0);
    const judged = before ?? judgeTopic(bytes, entry, verdicts.get(bytes), told, now);
    if (typeof judged !== "string") topics.push(judged);
    else if (isBlameless(judged)) leftOut(judged);
    else return judged;
  }
  return topics;
}

function judgeTopic(
  bytes: Uint8Array,
  { peer, left }: PresenceEntry,
  verdict: ReturnType<TopicVerdicts["get"]>,
  told: Told,
  now: number,
): Announced | PresenceRefusal {
  if (!verdict) return "unverified";
  if (verdict.error !== undefined) return verdict.error;
  const { announcement } = verdict;
  if (compareBytes(announcement.peer, peer) !== 0) return "wrong-peer";
  // Signed by the clock of the record: what that shows of it serves here too.
  const ahead = left === undefined ? 0 : told.record.expires - told.until;
  const { issued, expires } = announcement;
  const untimely = untoldError({ issued, started: issued, expires }, now + ahead);
  return untimely ?? announced(announcement, bytes, expires - ahead);
}

/** A verified announcement, to be kept until `expires`, wall milliseconds of this node. */
export function announced({ topic }: Announcement, bytes: Uint8Array, expires: number): Announced {
  return { topic: peerIdText(topic), expires, bytes };
}

export function sameBytes(a: SignedBytes, b: SignedBytes): boolean {
  return a === b || (compareBytes(a.signature, b.signature) === 0 && compareBytes(a.body, b.body) === 0);
}

/** The same announcements in the same order. */
export function sameTopics(a: readonly Announced[], b: readonly Announced[]): boolean {
  return a.length === b.length && a.every(({ bytes }, i) => compareBytes(bytes, b[i]!.bytes) === 0);
}
