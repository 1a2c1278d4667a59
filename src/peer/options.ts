import { generateIdentity, type Identity } from "../identity/identity.ts";
import { type KeyStore, loadOrCreate } from "../identity/key_store.ts";
import { parsePeerId, type PeerId } from "../identity/peer_id.ts";
import { type DirectPolicy, NO_PEER } from "../path/punching.ts";
import { type Backoff, DEFAULT_BACKOFF } from "../session/reconnect.ts";
import { sessionUrl } from "../session/session_url.ts";
import type { Random } from "../link/dh.ts";
import { type Clock, systemClock } from "../session/clock.ts";
import { MAX_SOUGHT } from "../wire/limits.ts";
import { pooledRandom } from "./randomness.ts";

/** Who may begin a link: everybody, nobody, these peers, or whoever the function lets in. */
export type AcceptPolicy =
  | "all"
  | "none"
  | Iterable<string>
  | ((request: { peer: PeerId }) => boolean | Promise<boolean>);

/** How to open a {@link Peer}. */
export interface PeerOptions {
  /** URLs of nodes, `wss://…` (or `ws://` on this machine): the first that answers becomes home. */
  nodes: Iterable<string>;
  /** The identity, or a store that holds one or makes one. Default: a fresh key that ends with the process. */
  key?: Identity | KeyStore;
  /** Default `default`. Peers and nodes of different networks never mix. */
  network?: string;
  /**
   * Access token for the nodes, or a function that fetches one each time a session begins: also when a node ended
   * the one before because its token expired (the links go on over the next).
   */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Who may begin a link. Default `all`; a `request` event can still decide otherwise. */
  accept?: AcceptPolicy;
  /** When to dial a lost node again. Default: after 0.2 … 30 s, growing, without end. */
  reconnect?: Partial<Backoff>;
  /** Which ways beside the nodes are used. */
  paths?: {
    /** Between peers of one process, or of tabs of one origin. Default true. */
    local?: boolean;
    /**
     * Through NATs, by WebRTC: with everybody there is a link with (default), nobody, or whom
     * the function lets. The other side learns addresses of this machine, sealed from all nodes.
     */
    direct?: boolean | DirectPolicy;
    /** Tell the other side no addresses of this machine itself, only those its NAT has. Default false. */
    hideHostAddresses?: boolean;
  };
  /**
   * Keep a second, warm session at another node, through which links go on at once when the
   * first is lost. Default true.
   */
  standby?: boolean;
  /**
   * Take nodes that nodes name for the standby when `nodes` has too few that answer. One of the
   * two places is always kept for a node of `nodes`. Default true.
   */
  learn?: boolean;
  /** Resolve although no node answers yet, and go on trying. Default false: reject when none of them does. */
  offline?: boolean;
  /**
   * Peers that will be dialled at once, at most four: the node is asked for them with its URL, and tells where they
   * are with its first words. With `offline`, too, a `send` right behind `Peer.open` leaves with this peer's answer
   * to them: one and a half round trips from nothing to the first message there, beside those of TCP and TLS. Such ids
   * may stand in the log of a proxy before the node.
   */
  toward?: Iterable<string>;
  /** Allows `ws:` to other machines; only for a line that is safe by itself. */
  insecure?: boolean;
  /** Put before the SDK's own name in the user agent: `my-app/1.2`. */
  agent?: string;
  /** Gives up opening. */
  signal?: AbortSignal;
  /** The time; for simulators. */
  clock?: Clock;
  /** That many bytes from a cryptographic source; for simulators. Default: the platform's. */
  random?: Random;
}

/** Options with everything decided. */
export interface Settings {
  nodes: string[];
  identity: Identity;
  network: string;
  token: PeerOptions["token"];
  accept: (peer: PeerId) => boolean | Promise<boolean>;
  backoff: Backoff;
  standby: boolean;
  learn: boolean;
  offline: boolean;
  toward: PeerId[];
  local: boolean;
  direct: DirectPolicy;
  hidesHosts: boolean;
  insecure: boolean;
  agent: string | undefined;
  signal: AbortSignal | undefined;
  clock: Clock;
  random: Random;
}

/**
 * Checks and completes options.
 *
 * @throws {TypeError} for a URL that is none, no nodes, or an id that is none.
 * @throws {RangeError} for waits that are none.
 */
export async function settle(options: PeerOptions): Promise<Settings> {
  const { network = "default", offline = false, insecure = false, clock = systemClock } = options;
  const named = namedNodes(options.nodes);
  const backoff = checkBackoff({ ...DEFAULT_BACKOFF, ...options.reconnect });
  const identity = await identityOf(options.key);
  // Two spellings of one URL are one node.
  const nodes = new Map(named.map((url) => [sessionUrl(url, identity.id, insecure).url, url]));
  return {
    nodes: [...nodes.values()],
    identity,
    network,
    standby: options.standby ?? true,
    learn: options.learn ?? true,
    offline,
    toward: towardOf(options.toward ?? []),
    local: options.paths?.local ?? true,
    direct: directOf(options.paths?.direct ?? true),
    hidesHosts: options.paths?.hideHostAddresses ?? false,
    insecure,
    clock,
    random: options.random ?? pooledRandom,
    token: options.token,
    accept: policyOf(options.accept ?? "all"),
    backoff,
    agent: options.agent,
    signal: options.signal,
  };
}

function namedNodes(nodes: Iterable<string>): string[] {
  if (typeof nodes === "string") throw new TypeError(`nodes is a list of URLs: { nodes: ["${nodes}"] }`);
  const named = [...nodes];
  if (named.length === 0) throw new TypeError('Peer.open needs at least one node: { nodes: ["wss://…"] }');
  return named;
}

function towardOf(toward: Iterable<string>): PeerId[] {
  if (typeof toward === "string") {
    throw new TypeError(`toward is a list of PeerIds: { toward: ["${toward}"] }`);
  }
  const peers = [...new Set([...toward].map(parsePeerId))];
  if (peers.length <= MAX_SOUGHT) return peers;
  throw new RangeError(
    `toward takes ${MAX_SOUGHT} peers at most, not ${peers.length}: dial the others later`,
  );
}

function checkBackoff(backoff: Backoff): Backoff {
  const { min, max, maxAttempts, lasting } = backoff;
  if (min >= 0 && max >= min && max <= 0x7fff_ffff && maxAttempts >= 0 && lasting >= 0) return backoff;
  throw new RangeError("reconnect needs 0 <= min <= max < 2 ** 31 ms, maxAttempts >= 0 and lasting >= 0");
}

function identityOf(key: Identity | KeyStore | undefined): Promise<Identity> | Identity {
  if (key === undefined) return generateIdentity();
  return "sign" in key ? key : loadOrCreate(key);
}

function policyOf(accept: AcceptPolicy): (peer: PeerId) => boolean | Promise<boolean> {
  if (accept === "all") return () => true;
  if (accept === "none") return () => false;
  if (typeof accept === "function") return (peer) => accept({ peer });
  if (typeof accept === "string") {
    throw new TypeError(`accept is "all", "none", a list of PeerIds or a function, not "${accept}"`);
  }
  const allowed = new Set<string>([...accept].map(parsePeerId));
  return (peer) => allowed.has(peer);
}

function directOf(direct: boolean | DirectPolicy): DirectPolicy {
  if (typeof direct === "function") return direct;
  return direct ? () => true : NO_PEER;
}
