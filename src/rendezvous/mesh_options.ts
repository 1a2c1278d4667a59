/**
 * Whether and how a node joins others of its network.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { MIN_MESH_TOKEN } from "../mesh/token.ts";

/** With neither `allow` nor `token` no node is let in. */
export interface MeshOptions {
  /** URLs of nodes to begin with. */
  join?: readonly string[];
  /** Nodes that may be neighbours. With `token` as well, both have to hold. */
  allow?: readonly PeerId[];
  /** The network's secret, at least 16 bytes: whoever knows it is a node of the network. It never travels. */
  token?: string;
  /** Where this node is dialled, told to the others. None: it only dials. */
  urls?: readonly string[];
  /** Sessions with other nodes to keep; default 8. */
  target?: number;
}

/** @throws {TypeError | RangeError} when the options admit nobody, or the token is short. */
export function checkMesh({ allow, token }: MeshOptions): void {
  if (allow === undefined && token === undefined) {
    throw new TypeError(`say which nodes may join: mesh: { token: "…" } or mesh: { allow: [id, …] }`);
  }
  if (token !== undefined && new TextEncoder().encode(token).length < MIN_MESH_TOKEN) {
    throw new RangeError(`mesh.token has at least ${MIN_MESH_TOKEN} bytes: it can be guessed at for years`);
  }
}

/** What a mesh counts. */
export class MeshCounts {
  /** Sessions, claims and frames that were not accepted, by reason. */
  readonly refusals: Map<string, number> = new Map();
  framesIn = 0;
  framesOut = 0;
  bytesOut = 0;

  refused(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }
}
