/** Whether one entry of a stranger's frame may enter. */
import { compareBytes } from "../wire/cbor.ts";
import type { PresenceEntry } from "../wire/mesh_protocol.ts";
import type { PeerRecord, SignedBytes } from "../wire/protocol.ts";
import type { PresenceRefusal, Told, Verdict } from "./presence_types.ts";

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

export function sameBytes(a: SignedBytes, b: SignedBytes): boolean {
  return a === b || (compareBytes(a.signature, b.signature) === 0 && compareBytes(a.body, b.body) === 0);
}
