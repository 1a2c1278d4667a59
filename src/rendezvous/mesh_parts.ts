/** What a node lends to its mesh. */
import type { Logger } from "@logtape/logtape";
import type { Identity } from "../identity/identity.ts";
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Connect } from "../session/socket.ts";
import type { Conveyed } from "../wire/mesh_protocol.ts";
import type { PeerRecord } from "../wire/protocol.ts";
import type { MeshOptions, Resolver } from "./mesh_options.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Registry } from "./registry.ts";

export interface MeshParts {
  identity: Identity;
  network: string;
  options: MeshOptions;
  connect: Connect;
  resolve?: (server?: string) => Resolver;
  log: Logger;
  clock: Clock;
  random: (length: number) => Uint8Array;
  registry: Registry;
  limits: NodeLimits;
  metrics: NodeMetrics;
  /** A peer of this node has a newer process or place elsewhere, by this record. */
  superseded: (peer: PeerId, record: PeerRecord) => void;
  /** A watched peer is at this node first now, or at none. */
  moved: (peer: PeerId, node: PeerId | undefined) => void;
  /** Word of, or for, the broker of an attempt. */
  conveyed: (frame: Conveyed) => void;
}
