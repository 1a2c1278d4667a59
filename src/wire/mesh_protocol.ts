/**
 * What the nodes of one network tell each other over their sessions, besides
 * forwarded data. `README.md` beside this file, "Between nodes", tells the same.
 *
 *     node A                                              node B
 *       │ ◀──────────── a session as of any dialer, role node ────────────▶ │
 *       │ ── greet (epoch, urls, proof of the token) ─────────────────────▶ │
 *       │ ◀───────────────────────────────────────────────────────── greet ─ │
 *       │ ── digest: what I have ─────────────────────────────────────────▶ │
 *       │ ◀────────────────── presence … presence, digest: what I have more ─ │
 *       │ ◀═══ members · probe/probeAck · presence · edges · forward ═════▶ │
 *
 * Only sessions of role node carry these. A peer that sends one is refused by the
 * owner of its session, who knows the role; the codec does not.
 *
 * @module
 */
import type { Key, SignedBytes } from "./signed_bytes.ts";

/** `[16, epoch, urls, mac]`, the first frame each way. */
export interface Greet {
  kind: "greet";
  /** When this node began, milliseconds since 1970: a restarted node has a greater one. */
  epoch: number;
  /** Where it is dialled; none: it only dials out. */
  urls: string[];
  /** 32 bytes: the proof of the network's token, or null where nodes are admitted by key alone. */
  mac: Uint8Array | null;
}

/** What is believed of a node. */
export const MemberState = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
export type MemberState = (typeof MemberState)[keyof typeof MemberState];

/** `[node, epoch, incarnation, state, urls]` */
export interface Member {
  node: Key;
  epoch: number;
  /** Raised by the node alone, to refute a suspicion. */
  incarnation: number;
  state: MemberState;
  urls: string[];
}
/** `[17, [member, …]]` */
export interface Members {
  kind: "members";
  members: Member[];
}

/** `[18, nonce, target]` target = receiver: answer; another node: probe it for me. */
export interface Probe {
  kind: "probe";
  /** Chosen by the asker, echoed in the answer. */
  nonce: number;
  target: Key;
}
/** `[19, nonce, target]`: the target of the probe of that nonce lives. */
export interface ProbeAck {
  kind: "probeAck";
  nonce: number;
  target: Key;
}

/**
 * `[version, peer, body, signature, [announcement, …]]`: body and signature null when the peer
 * left; the list absent when it is in no topic.
 */
export interface PresenceEntry {
  version: number;
  peer: Key;
  record: SignedBytes | null;
  /** Announcements as they travel: the topics that the peer is in through this node. */
  topics?: Uint8Array[];
  /** Milliseconds for which the record still holds; absent when its teller does not say. */
  left?: number;
}
/**
 * `[20, origin, epoch, from, to, [entry, …], [left, …]]`: all that is left to tell of the
 * changes at `origin` with versions from + 1 … to, ascending. What a later change
 * of the same peer replaced, and what has expired, is not told. `left`: for how many
 * milliseconds the record of each entry still holds, 0 without one.
 */
export interface PresenceDelta {
  kind: "presence";
  origin: Key;
  epoch: number;
  from: number;
  to: number;
  entries: PresenceEntry[];
}

/** `[origin, epoch, version]`: how far the sender knows that origin. */
export interface DigestPoint {
  origin: Key;
  epoch: number;
  version: number;
}
/**
 * `[21, answer, [point, …]]`. Answer 0: send me what I lack. Answer 1 ends what was
 * sent for that, and holds the points alone that differ from the question's.
 */
export interface Digest {
  kind: "digest";
  answer: boolean;
  points: DigestPoint[];
}

/** What a node signs about its sessions with other nodes. */
export interface EdgesFields {
  node: Key;
  epoch: number;
  version: number;
  neighbours: Key[];
}
/** `[22, node, epoch, version, [neighbour, …], signature]` */
export interface Edges extends EdgesFields {
  kind: "edges";
  signature: Uint8Array;
}

/** `[23, hops, source, destination, reason]`: goes to the node that holds `source`. */
export interface Undelivered {
  kind: "undelivered";
  /** How often it may still be passed on, 0 … 23. */
  hops: number;
  source: Key;
  destination: Key;
  reason: number;
}

/**
 * `[24, hops, broker, peer, frame]`: from the broker of an attempt to the node that holds
 * `peer`, which hands it the frame (an invite, a start or an outcome); and
 * `[25, hops, broker, peer, frame]`: what that peer, as its node vouches, tells the broker
 * (an answer or a report). Neither node keeps anything of what it passes on.
 */
export interface Conveyed {
  kind: "attemptTo" | "attemptFrom";
  /** How often it may still be passed on, 0 … 23. */
  hops: number;
  broker: Key;
  peer: Key;
  frame: Uint8Array;
}

/** What an operator signs about somebody. */
export interface BanFields {
  operator: Key;
  /** A PeerId, an address, a prefix, or `agent:` and a part of a user agent. */
  subject: string;
  /** Shown to whom it is about. */
  reason: string;
  /** Milliseconds since 1970; of two orders about one subject the later issued holds. */
  issued: number;
  /** Milliseconds since 1970; 0: for good; not after `issued`: lifted. */
  until: number;
}
/** `[26, operator, subject, reason, issued, until, signature]` */
export interface BanOrder extends BanFields {
  kind: "ban";
  signature: Uint8Array;
}

/** What a node says to a node besides the frames of any session and forwarded data. */
export type NodeToNode =
  | Greet
  | Members
  | Probe
  | ProbeAck
  | PresenceDelta
  | Digest
  | Edges
  | Undelivered
  | Conveyed
  | BanOrder;
