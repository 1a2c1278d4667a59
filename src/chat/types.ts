/** What a chat consists of, as it is stored and shown. */
import type { PeerId } from "../identity/peer_id.ts";

/**
 * How far two people are: `asked` (we asked, no answer yet), `asking` (they ask, we decide),
 * `accepted`, `declined` (they said no), `refused` (we said no).
 */
export type ContactState = "asked" | "asking" | "accepted" | "declined" | "refused";

export interface Contact {
  peer: PeerId;
  /** As the other side calls itself: theirs to choose, so no proof of anything. */
  name: string;
  state: ContactState;
  /** What they, or we, said when asking. */
  note: string;
  /** Of the last change, milliseconds since 1970. */
  changed: number;
}

/**
 * Where a message stands with one of those it is for. `delivered` (✓) means that the other
 * side's page has stored it; what only its process holds is still `sent`.
 */
export type DeliveryStatus = "queued" | "sent" | "delivered" | "failed";

export interface Recipient {
  peer: PeerId;
  status: DeliveryStatus;
  /** Why it failed. */
  reason?: string;
}

export interface FileNote {
  name: string;
  /** MIME type as the sender says: shown, never trusted. */
  type: string;
  /** Bytes. */
  size: number;
}

/** What one side says to the other. */
export type Body =
  | { kind: "text"; text: string }
  | { kind: "file"; file: FileNote }
  | { kind: "ask"; note: string }
  | { kind: "answer"; accepted: boolean };

/** One message, written here or received. */
export interface Entry {
  /** 32 hex digits, the same on both sides. */
  id: string;
  /** The conversation: a contact's PeerId, or `#name` of a group. */
  room: string;
  /** Who wrote it. */
  from: PeerId;
  /** As they called themselves in a group, where not all are contacts. */
  author?: string;
  /** By the clock of who wrote it, milliseconds since 1970. */
  at: number;
  body: Body;
  /** Whom it is for; nobody when it was received. */
  to: Recipient[];
  /** Whether a person has seen it here. */
  seen: boolean;
  /** Its place in this store; given by the store. */
  order?: number;
}

/** What is shown of a message's way: the worst of what is not done, then the best of what is. */
export function statusOf({ to }: Entry): DeliveryStatus | "received" {
  if (to.length === 0) return "received";
  const statuses = new Set(to.map(({ status }) => status));
  return (["queued", "sent", "failed", "delivered"] as const).find((status) => statuses.has(status))!;
}

/** Whether something of it still has to leave. */
export function isPending({ to }: Entry): boolean {
  return to.some(({ status }) => status === "queued" || status === "sent");
}

/** Whether people said it, rather than their pages while they became contacts. */
export function isSaid({ body }: Entry): boolean {
  return body.kind === "text" || body.kind === "file";
}
