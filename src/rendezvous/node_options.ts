import type { Logger } from "@logtape/logtape";
import type { Identity } from "../identity/identity.ts";
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { Connect } from "../session/socket.ts";
import type { Liveness } from "../wire/protocol.ts";
import type { Access } from "./access.ts";
import type { BanStore } from "./ban_file.ts";
import type { Fabric, FabricParts } from "./fabric.ts";
import type { TurnOptions } from "./ice_offer.ts";
import type { MeshOptions, Resolver } from "./mesh_options.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { Origins } from "./origins.ts";
import type { Assets } from "./pages.ts";

/** What makes a node. */
export interface NodeOptions {
  identity: Identity;
  /** Default: "default". */
  network?: string;
  access: Access;
  /**
   * What dialers call this node, `host` (any port) or `host:port`. `"any"` gives up the
   * protection against challenges forwarded by a hostile node: for loopback.
   */
  hosts: readonly string[] | "any";
  /** Web pages whose scripts may have sessions. Default `"any"`: the handshake asks for a key, not for what a browser keeps. */
  origins?: Origins;
  limits?: Partial<NodeLimits>;
  /** Bytes that this process holds, for `limits.memory`; `serve` brings its runtime's. */
  memory?: () => number;
  /** Whose signed bans this node obeys and passes on; the same at all nodes of a mesh. Default: nobody's. */
  operators?: Iterable<PeerId>;
  /** Keeps bans over a restart. Default: they end with the node. */
  bans?: BanStore;
  /** URLs of other nodes, told in the welcome and when this one is full or leaves. */
  nodes?: readonly string[];
  /** Joins other nodes of the network. Default: this node stands alone. */
  mesh?: MeshOptions;
  /** Joins the rest of the network in another way than {@link mesh}. */
  fabric?: (parts: FabricParts) => Fabric;
  /** Dials other nodes; `serve` brings its runtime's. */
  connect?: Connect;
  /** Asks a name server, by default the system's; `serve` brings its runtime's. */
  resolve?: (server?: string) => Resolver;
  /** URLs of STUN servers elsewhere (RFC 7064), told in the welcome. */
  stun?: readonly string[];
  /** A TURN server whose secret this node knows: each peer gets a credential of its own in the welcome. */
  turn?: TurnOptions;
  /** Whether strangers may read `/metrics` and the numbers of `/v1/info` and `/`. Default false. */
  publicMetrics?: boolean;
  /** The chat for browsers, served at `/chat`. Default: none; `serve` brings it. */
  chat?: Assets;
  /** Milliseconds between pings. Default `PING_INTERVAL`. */
  pingInterval?: number;
  liveness?: Liveness;
  clock?: Clock;
  /** That many bytes from a cryptographic source. */
  random?: (length: number) => Uint8Array;
  /** Default: the category `waymeet.node`, silent until the application configures LogTape. */
  log?: Logger;
}

/** Host names are compared in lower case. */
export function lowerCase(hosts: readonly string[] | "any"): readonly string[] | "any" {
  return hosts === "any" ? hosts : hosts.map((host) => host.toLowerCase());
}
