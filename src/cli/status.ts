import type { DnsStatus } from "../rendezvous/mesh_dns.ts";
import type { FabricStatus, MemberStatus, MeshStatus } from "../rendezvous/mesh_status.ts";
import { Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** `waymeet status` */
export async function status(terminal: Terminal, url: string, { json }: { json?: true }): Promise<void> {
  const mesh = await fetchStatus(url);
  if (json) return await terminal.output.json({ event: "status", ...mesh });
  await terminal.output.write(statusText(mesh));
}

async function fetchStatus(url: string): Promise<MeshStatus> {
  const address = `${url.replace(/^ws/, "http").replace(/\/+$/, "")}/v1/mesh`;
  if (!URL.canParse(address)) throw new Failure("bad-url", `${url} is no URL, such as ws://127.0.0.1:8787`);
  const signal = AbortSignal.timeout(5_000);
  const response = await fetch(address, { signal }).catch((error: Error) => {
    throw new Failure("unreachable", `${url} does not answer (${error.message}); does the node run there?`);
  });
  if (!response.ok) throw new Failure("refused", `${url} says: ${(await response.text()).trim()}`);
  return await response.json() as MeshStatus;
}

/** For people. */
export function statusText(status: MeshStatus): string {
  const { id, members, presence, forwarded, discovery, fabric, refusals } = status;
  const peersAt = new Map(presence.origins.map(({ origin, peers }) => [origin, peers]));
  const lines = [
    `node ${id}, ${peersAt.get(id) ?? 0} peers here, ${presence.peers} in the network`,
    ...members.map((member) => `  ${memberText(member, peersAt.get(member.node) ?? 0, fabric)}`),
    ...discovery.dns ? [dnsText(discovery.dns)] : [],
    ...fabric ? [fabricText(fabric)] : [],
    `forwarded ${forwarded.framesOut} frames to other nodes, ${forwarded.framesIn} from them`,
    ...Object.entries(refusals).map(([reason, count]) => `refused ${count}: ${reason}`),
  ];
  return `${lines.join("\n")}\n`;
}

function fabricText({ connected, server, problem, reconnections, drops }: FabricStatus): string {
  const now = connected
    ? `joined by NATS at ${server}`
    : "NOT joined: NATS is lost, peers here go on among themselves";
  const dropped = Object.entries(drops).map(([reason, count]) => `, ${count} messages not sent: ${reason}`);
  const again = reconnections > 0 ? `, ${reconnections} times again` : "";
  return `${now}${again}${problem ? ` (${problem})` : ""}${dropped.join("")}`;
}

function dnsText({ name, found, asked, failed, problem }: DnsStatus): string {
  const last = problem === undefined ? "" : `, now: ${problem}`;
  return `${name} names ${found} nodes; asked ${asked} times, in vain ${failed} times${last}`;
}

function memberText(member: MemberStatus, peers: number, fabric: FabricStatus | undefined): string {
  const { node, state, urls, session, route } = member;
  const rtt = session && session.rtt !== null ? ` ${session.rtt.toFixed(1)} ms` : "";
  const way = session
    ? `session${rtt}`
    : fabric
    ? "by NATS"
    : route
    ? `through ${route.hop.slice(0, 8)}…, ${route.hops} hops`
    : "no way to it";
  return `${node} ${state}, ${way}, ${peers} peers${urls.length > 0 ? `, ${urls.join(" ")}` : ""}`;
}
