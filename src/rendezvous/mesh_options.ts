/**
 * Whether and how a node joins others of its network.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { SrvRecord } from "../mesh/dns_places.ts";
import { MIN_MESH_TOKEN } from "../mesh/token.ts";

/** With neither `allow` nor `token` no node is let in. */
export interface MeshOptions {
  /** URLs of nodes to begin with. */
  join?: readonly string[];
  /** Nodes that may be neighbours. With `token` as well, both have to hold. */
  allow?: readonly PeerId[];
  /** The network's secret, at least 16 bytes: whoever knows it is a node of the network. It never travels. */
  token?: string;
  /** A domain whose SRV and TXT records at `_waymeet._tcp.NAME` name more of them. */
  discover?: string;
  /** `address` or `address:port` of the name server to ask. Default: the system's. */
  dnsServer?: string;
  /** Keeps the nodes that were met, for the next start. */
  memory?: MeshMemory;
  /** Only `join` is dialled: no node that others, or earlier days, tell of. */
  fixed?: boolean;
  /**
   * Where this node is dialled, told to the others. An empty list: it only dials. Default
   * of `serve`: by its `names`, or on a loopback host by its address.
   */
  urls?: readonly string[];
  /** Sessions with other nodes to keep; default 8. */
  target?: number;
}

/** Asks the domain name system. */
export interface Resolver {
  /** Both MUST reject when there are none, with `code` ENOTFOUND or ENODATA. */
  resolveSrv(name: string): Promise<SrvRecord[]>;
  resolveTxt(name: string): Promise<string[][]>;
  /** MUST end what is being asked. */
  cancel(): void;
}

/** Where a text is kept between two starts. */
export interface MeshMemory {
  /** `undefined`: nothing was kept yet. MUST reject when something is there that cannot be read. */
  read(): Promise<string | undefined>;
  /** MUST replace the text whole or not at all. */
  write(text: string): Promise<void>;
  /** Moves away what cannot be understood, so that it is not overwritten; tells where to. */
  setAside(): Promise<string>;
}

/** @throws {TypeError | RangeError} when the options admit nobody, or the token is short. */
export function checkMesh({ allow, token, fixed, discover, memory }: MeshOptions): void {
  if (fixed && (discover !== undefined || memory !== undefined)) {
    throw new TypeError(
      "a fixed mesh dials its list alone: leave out either `fixed`, or `discover` and `memory`",
    );
  }
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
  readonly #told: (reason: string) => void;

  /** `told`: hears of each refusal as it is counted. */
  constructor(told: (reason: string) => void = () => {}) {
    this.#told = told;
  }

  refused(reason: string, times: number = 1): void {
    this.#told(reason);
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + times);
  }
}
