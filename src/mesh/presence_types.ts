/** What presence is asked, what it wants done, and why it says no. */
import type { PeerId } from "../identity/peer_id.ts";
import type { Digest, PresenceDelta } from "../wire/mesh_protocol.ts";
import type { Announcement, PeerRecord, SignedBytes } from "../wire/protocol.ts";
import type { RecordError } from "../wire/record.ts";
import type { PresenceLimits } from "./presence_limits.ts";
import type { TopicChange, TopicId } from "./topic_index.ts";

/** A verified record with the bytes that were signed. Immutable; may be shared by all who hold it. */
export interface Told {
  readonly record: PeerRecord;
  readonly signed: SignedBytes;
  /** Until when it holds, wall milliseconds of this node: its peer's clock and this one are not compared. */
  readonly until: number;
}

/** What `verifyRecord` said about signed bytes. */
export type Verdict = { record: PeerRecord; error?: undefined } | { error: RecordError };

/** A verified announcement with its bytes, which may be shared like {@link Told}. */
export interface Announced {
  readonly topic: TopicId;
  /** Wall milliseconds of this node. */
  readonly expires: number;
  readonly bytes: Uint8Array;
}

/** What `verifyAnnouncement` said, by the very bytes that stand in the frame. */
export type TopicVerdicts = ReadonlyMap<
  Uint8Array,
  { announcement: Announcement; error?: undefined } | { error: RecordError }
>;

/** Verdicts by the very object that stands in the frame. */
export type Verdicts = ReadonlyMap<SignedBytes, Verdict>;

/** Where a peer is. */
export interface Place extends Told {
  /** Nodes that list it now, its home first. At least one. */
  readonly nodes: readonly PeerId[];
}

export type PresenceEffect =
  | PresenceEvent
  /** A peer came to a topic, at whatever node, or left it at all. */
  | { type: "member"; change: TopicChange }
  /** One frame for these neighbours; encode it once. */
  | { type: "send"; to: PeerId[]; frame: PresenceDelta | Digest }
  /** What this neighbour sent an honest node would not have passed on. */
  | { type: "blame"; neighbour: PeerId; why: PresenceRefusal }
  /** Somebody knew this node under a greater epoch; it goes on under this one. */
  | { type: "epoch"; epoch: number };

/** What changed for a peer. */
export type PresenceEvent =
  /** A watched peer is listed where nobody listed it before. */
  | { type: "online"; peer: PeerId; nodes: readonly PeerId[] }
  /** No node lists a watched peer any more. */
  | { type: "offline"; peer: PeerId }
  /** The first of a watched peer's nodes is another one. */
  | { type: "moved"; peer: PeerId; nodes: readonly PeerId[] }
  /** A peer of this node said, elsewhere and later, that it is not here: by another instance, or by naming other nodes. */
  | { type: "superseded"; peer: PeerId };

/** Why something was not taken. */
export type PresenceRefusal =
  | RecordError
  /** The record is of another peer than its entry. */
  | "wrong-peer"
  /** The record does not name the node that lists it. */
  | "wrong-node"
  /** A newer record of the peer is known. */
  | "older"
  /** The record is too large to be spread. */
  | "too-large"
  /** A cap on memory. */
  | "full"
  /** The epoch lies too far ahead. */
  | "future-epoch"
  /** The origin is no member. */
  | "stranger"
  /** The caller had no verdict on a record; it is asked for again. */
  | "unverified";

export interface PresenceOptions {
  node: PeerId;
  /** When this node began, wall milliseconds. */
  epoch: number;
  network: string;
  limits?: PresenceLimits;
  /** Whether a node may be an origin. Default: all may. */
  admits?: (origin: PeerId) => boolean;
  /**
   * Whether changes of `origin` go from here to `neighbour`. Default: always. A driver that knows the
   * routes passes on along the tree of shortest paths from the origin alone (reverse path
   * forwarding), so that each node gets each change once; digests mend what that misses.
   */
  passesOn?: (origin: PeerId, neighbour: PeerId) => boolean;
}
