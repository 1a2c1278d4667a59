import type { PeerId } from "../identity/peer_id.ts";
import type { Claim } from "./claim.ts";

/** What {@link Members} and {@link Probing} want done: frames to send, and changes to tell. */
export type MeshEffect = Outgoing | Change;

type Outgoing =
  /** To every node with a session, but `except`: it said so itself. Fits one frame. */
  | { type: "gossip"; claims: readonly Claim[]; except: PeerId | undefined }
  /** To one node with a session. Fits one frame. */
  | { type: "tell"; to: PeerId; claims: readonly Claim[] }
  /** A full exchange with this neighbour is due; its claims follow as `tell`. */
  | { type: "sync"; to: PeerId }
  | { type: "probe"; to: PeerId; nonce: Uint8Array; target: PeerId }
  | { type: "probeAck"; to: PeerId; nonce: Uint8Array; target: PeerId };

type Change =
  /** This neighbour speaks of more unknown nodes than any honest one knows. */
  | { type: "flooded"; from: PeerId }
  /** New, or back in a new life: what it said in a lower epoch is over. */
  | { type: "joined"; node: PeerId; epoch: number }
  /** No longer suspect. */
  | { type: "alive"; node: PeerId; epoch: number }
  | { type: "suspect"; node: PeerId; epoch: number }
  | { type: "dead"; node: PeerId; epoch: number }
  | { type: "left"; node: PeerId; epoch: number }
  /** This node contradicted a claim about itself. `renewed`: under a new epoch, which its presence and edges must take. */
  | { type: "refuted"; epoch: number; incarnation: number; renewed: boolean };
