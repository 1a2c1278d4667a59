/** What a node shows of its mesh. */
import type { PeerId } from "../identity/peer_id.ts";
import type { Members } from "../mesh/members.ts";
import type { OriginStatus, Presence } from "../mesh/presence.ts";
import type { Routes } from "../mesh/routes.ts";
import type { DiscoveryStatus } from "./mesh_discovery.ts";
import type { MeshCounts } from "./mesh_options.ts";
import type { NodeLink } from "./node_link.ts";

export interface MeshStatus {
  id: PeerId;
  epoch: number;
  members: MemberStatus[];
  /** Sessions between nodes, each told once, as far as both ends state it. */
  edges: [PeerId, PeerId][];
  presence: { peers: number; origins: OriginStatus[] };
  forwarded: { framesIn: number; framesOut: number; bytesOut: number };
  discovery: DiscoveryStatus;
  /** What joins the nodes, where it is not gossip between them. */
  fabric?: FabricStatus;
  /** How often what was not accepted, by reason. */
  refusals: Record<string, number>;
}

/** The connection to an outside engine. */
export interface FabricStatus {
  kind: "nats";
  connected: boolean;
  /** `host:port`; the last one while there is none. */
  server: string | null;
  problem: string | null;
  reconnections: number;
  /** Bytes that the server has not confirmed. */
  pending: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Questions for records that are not known here, and those that found one. */
  questions: number;
  answers: number;
  /** Messages that were not sent, by reason. */
  drops: Record<string, number>;
}

export interface MemberStatus {
  node: PeerId;
  state: string;
  epoch: number;
  urls: readonly string[];
  /** The session with it, if there is one. */
  session?: { rtt: number | null; seconds: number; dialledHere: boolean };
  /** The neighbour through which it is reached, and in how many hops. */
  route?: { hop: PeerId; hops: number };
}

export interface MeshStatusSource {
  members: Members;
  links: { get(node: PeerId): NodeLink | undefined };
  routes: Routes;
  presence: Presence;
  counts: MeshCounts;
  discovery: DiscoveryStatus;
  now: number;
}

export function meshStatus(source: MeshStatusSource): MeshStatus {
  const { members, presence, counts } = source;
  const { framesIn, framesOut, bytesOut } = counts;
  return {
    id: members.id,
    epoch: members.own.epoch,
    members: Array.from(members, ({ node, state, epoch, urls }) => ({
      node,
      state,
      epoch,
      urls,
      ...sessionOf(source, node),
      ...routeTo(source, node),
    })),
    edges: source.routes.edges(),
    presence: { peers: presence.count, origins: presence.origins() },
    forwarded: { framesIn, framesOut, bytesOut },
    discovery: source.discovery,
    refusals: countedRefusals(counts, presence, members.refused),
  };
}

/** What was not accepted, from all who count it: each counts what it refused itself, some the same. */
export function countedRefusals(
  counts: MeshCounts,
  presence: Presence,
  more: Readonly<Record<string, number>>,
): Record<string, number> {
  const refusals = new Map(counts.refusals);
  for (const maps of [Object.entries(more), presence.refusals]) {
    for (const [reason, count] of maps) {
      if (count > 0) refusals.set(reason, Math.max(count, refusals.get(reason) ?? 0));
    }
  }
  return Object.fromEntries(refusals);
}

function sessionOf({ links, now }: MeshStatusSource, node: PeerId): Pick<MemberStatus, "session"> {
  const link = links.get(node);
  if (link === undefined) return {};
  const seconds = Math.floor((now - link.readyAt) / 1000);
  return { session: { rtt: link.rtt ?? null, seconds, dialledHere: link.dialled } };
}

function routeTo({ routes }: MeshStatusSource, node: PeerId): Pick<MemberStatus, "route"> {
  const [hop, hops] = [routes.nextHop(node), routes.distance(node)];
  return hop === undefined || hops === undefined ? {} : { route: { hop, hops } };
}
