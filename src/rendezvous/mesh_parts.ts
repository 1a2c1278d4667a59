/** What a node lends to its mesh. */
import type { Logger } from "@logtape/logtape";
import type { Identity } from "../identity/identity.ts";
import type { Clock } from "../session/clock.ts";
import type { Connect } from "../session/socket.ts";
import type { BanOrder, Conveyed } from "../wire/mesh_protocol.ts";
import type { NodeWay } from "./node_way.ts";
import type { MeshOptions, Resolver } from "./mesh_options.ts";
import type { MeshPresenceOptions } from "./mesh_presence.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Registry } from "./registry.ts";

export interface MeshParts extends Pick<MeshPresenceOptions, "superseded" | "moved" | "member"> {
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
  /** Something may be known of other nodes that was not. */
  learned: () => void;
  /** Word of, or for, the broker of an attempt. */
  conveyed: (frame: Conveyed) => void;
  /** A node may be told of this node's orders, and may send its own. */
  joined: (link: NodeWay) => void;
  ordered: (order: BanOrder, from: NodeWay) => void;
}
