/**
 * A node that is spread over many objects of a platform: one for each peer, addressed by its id,
 * and one gateway. Each lives and sleeps by itself; these are the calls between them. All have the
 * node's key, so to peers and to other nodes they are one node.
 *
 *     peer ── WebSocket ── its object ──▶ object of another peer ── WebSocket ── that peer
 *                             │
 *                             └─▶ gateway: who is here, watches, topics, attempts, other nodes
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { AuthBody, Control, HeldBytes, Reason } from "../wire/protocol.ts";
import type { TrafficCounts } from "./metrics.ts";
import type { Refusal } from "./refusal.ts";

/** The object of one peer. Arguments and results MUST be structured-cloneable. */
export interface PeerPort {
  /**
   * Data frames for the peer, with their source written already. From now on `source` is told when
   * the peer leaves. Answers `Reason.none`, or why none of them was delivered.
   */
  take(source: Uint8Array, batch: Uint8Array, frames: number): Promise<Reason>;
  /** Frames of the gateway for the peer. False when it is not here, or does not read what it is told. */
  tell(batch: Uint8Array): Promise<boolean>;
  /** The peer's record, for `asker`, who is told when the peer leaves; `null`: it is not here. */
  find(asker: Uint8Array): Promise<HeldBytes | null>;
  /** Ends this session of the peer, if it still is the one that stands. */
  end(session: string, reason: Reason, text: string, nodes: string[]): Promise<void>;
  /** The session that the peer has here. */
  present(): Promise<string | null>;
}

/** A session, as its object tells the gateway of it. */
export interface Arrival {
  peer: PeerId;
  address: string;
  auth: AuthBody;
  /** As in `Session.id`. */
  session: string;
}

/** What all objects of the peers share. */
export interface GatewayPort {
  /** Why there is no room for this peer, or `null`. */
  enter(peer: PeerId): Promise<Refusal | null>;
  arrived(arrival: Arrival): Promise<void>;
  left(peer: PeerId, session: string): Promise<void>;
  /** A frame of the peer that its object does not serve itself. */
  control(peer: PeerId, frame: Control): Promise<void>;
  /** Data frames of the peer for others that have no object with a session. */
  forward(peer: PeerId, batch: Uint8Array): Promise<void>;
  /** The record of a peer at another node. */
  find(peer: PeerId): Promise<HeldBytes | null>;
  /** What an object counted since it told the last time. */
  count(counts: TrafficCounts): Promise<void>;
}

/** How objects reach each other. */
export interface ObjectPorts {
  /** Calls through one port MUST arrive in their order. */
  peer(id: PeerId): PeerPort;
  readonly gateway: GatewayPort;
}
