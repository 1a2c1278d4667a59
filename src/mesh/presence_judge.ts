/** Whether one entry of a stranger's frame may enter. */
import { compareBytes } from "../wire/cbor.ts";
import type { PresenceEntry } from "../wire/mesh_protocol.ts";
import { peerIdText } from "../identity/peer_id.ts";
import type { Announcement, PeerRecord, SignedBytes } from "../wire/protocol.ts";
import type { Announced, PresenceRefusal, Told, TopicVerdicts, Verdict } from "./presence_types.ts";

export interface Judgement {
  network: string;
  origin: Uint8Array;
  /** Wall milliseconds. */
  now: number;
  /** The same bytes, verified before. */
  known: Told | undefined;
  verdict: Verdict | undefined;
}

/** The record of an entry, once all that it claims holds, or why it may not enter. */
export function judge(entry: PresenceEntry, context: Judgement): Told | PresenceRefusal {
  const told = verified(entry.record!, context);
  if (typeof told === "string") return told;
  if (compareBytes(told.record.peer, entry.peer) !== 0) return "wrong-peer";
  return misplaced(told.record, context) ?? told;
}

function verified(signed: SignedBytes, { known, verdict }: Judgement): Told | PresenceRefusal {
  if (known) return known;
  if (!verdict) return "unverified";
  return verdict.error ?? { record: verdict.record, signed };
}

/** Why a genuine record may not be listed at `origin` now. */
export function misplaced(
  record: PeerRecord,
  { network, origin, now }: Pick<Judgement, "network" | "origin" | "now">,
): PresenceRefusal | undefined {
  if (record.network !== network) return "wrong-network";
  if (!record.nodes.some((node) => compareBytes(node, origin) === 0)) return "wrong-node";
  return record.expires <= now ? "expired" : undefined;
}

/** What clocks and memory explain; everything else an honest neighbour would not have passed on. */
export function isBlameless(refusal: PresenceRefusal): boolean {
  return refusal === "expired" || refusal === "future" || refusal === "full";
}

/**
 * The announcements of an entry that may enter, each as it was verified before or now, or why
 * the entry may not. Those that are merely late or early are left out.
 */
export function judgeTopics(
  entry: PresenceEntry,
  known: readonly Announced[],
  verdicts: TopicVerdicts,
  leftOut: (why: PresenceRefusal) => void,
): readonly Announced[] | PresenceRefusal {
  const topics: Announced[] = [];
  for (const bytes of entry.topics ?? []) {
    const before = known.find((announced) => compareBytes(announced.bytes, bytes) === 0);
    const judged = before ?? judgeTopic(bytes, entry.peer, verdicts);
    if (typeof judged !== "string") topics.push(judged);
    else if (isBlameless(judged)) leftOut(judged);
    else return judged;
  }
  return topics;
}

function judgeTopic(
  bytes: Uint8Array,
  peer: Uint8Array,
  verdicts: TopicVerdicts,
): Announced | PresenceRefusal {
  const verdict = verdicts.get(bytes);
  if (!verdict) return "unverified";
  if (verdict.error !== undefined) return verdict.error;
  const { announcement } = verdict;
  return compareBytes(announcement.peer, peer) === 0 ? announced(announcement, bytes) : "wrong-peer";
}

/** A verified announcement, to be kept. */
export function announced({ topic, expires }: Announcement, bytes: Uint8Array): Announced {
  return { topic: peerIdText(topic), expires, bytes };
}

export function sameBytes(a: SignedBytes, b: SignedBytes): boolean {
  return a === b || (compareBytes(a.signature, b.signature) === 0 && compareBytes(a.body, b.body) === 0);
}
