/**
 * What a node needs of whatever joins it with the rest of its network: gossip between nodes
 * (`mesh.ts`), an outside engine, or objects of a platform (`object_fabric.ts`). Nothing above
 * this port knows which.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Announced, Place } from "../mesh/presence_types.ts";
import type { TopicId } from "../mesh/topic_index.ts";
import type { Session } from "../session/session.ts";
import type { AuthBody, Control, HeldBytes, PeerRecord, SignedBytes } from "../wire/protocol.ts";
import type { MeshParts } from "./mesh_parts.ts";
import type { MeshStatus } from "./mesh_status.ts";
import type { NodeLink } from "./node_link.ts";
import type { NodeWay } from "./node_way.ts";
import type { Refusal } from "./refusal.ts";
import type { Seat } from "./registry.ts";
import type { Beyond } from "./relay.ts";

/** Frames and questions for peers that have no seat here. */
export interface FabricForwarding extends Beyond {
  /** The record of a peer elsewhere; from now on `asker` is told when that peer leaves. */
  lookup(
    peer: Uint8Array,
    asker: Seat,
  ): HeldBytes | undefined | Promise<HeldBytes | undefined>;
}

/** Who is where: this node tells of its own peers, and asks about others. */
export interface FabricPresence {
  /** A peer's record was verified and kept here. */
  here(peer: PeerId, record: PeerRecord, signed: SignedBytes): void;
  /** What is gathered for other nodes leaves now, before any frame that follows. */
  tell?(): void;
  /** A peer left its seat, which this session had. */
  gone(peer: PeerId, session: Session): void;
  /** All topics that a peer here is in. */
  announce(peer: PeerId, topics: readonly Announced[]): void;
  readonly presence: {
    find(peer: PeerId): Place | undefined;
    /** From now on `FabricParts.moved` is called for this peer, or no longer. */
    watch(peer: PeerId): void;
    unwatch(peer: PeerId): void;
    members(topic: TopicId): ReadonlySet<PeerId>;
  };
}

/** What a node lends to its fabric. */
export type FabricParts = Omit<MeshParts, "options" | "connect" | "resolve">;

export interface Fabric {
  readonly forwarding: FabricForwarding;
  readonly peers: FabricPresence;
  /** Asked about a peer whose access is granted: whether the network as a whole has room for it. */
  enter?(auth: AuthBody): Promise<Refusal | undefined>;
  /** A peer has its seat here, or comes back to it over a new session. */
  seated?(seat: Seat, address: string): void;
  /** Takes a frame of a peer here for a service that is not here; false: it is. */
  control?(seat: Seat, frame: Control): boolean;
  /** The neighbour on the way to a node or a peer, where there are neighbours. */
  toNode(node: PeerId): NodeWay | undefined;
  toPeer(peer: Uint8Array): NodeWay | undefined;
  /** Why a node that dials this one may not have a session. */
  obstacle(auth: AuthBody): string | undefined;
  /** The handshake with a node that dialled this one is done. */
  receive(session: Session): NodeLink;
  listensAt(urls: readonly string[]): void;
  otherUrls(): string[];
  status(): MeshStatus | undefined;
  leave(): void;
}
