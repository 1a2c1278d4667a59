import { connectWith, type WebSocketConstructor } from "../session/web_socket.ts";
import type { Connect } from "../session/socket.ts";
import { parseStunUrl } from "../stun/ice_url.ts";
import { reportJson, reportText } from "./doctor_report.ts";
import { Failure, UsageError } from "./failure.ts";
import { loadKey } from "./key.ts";
import { checkNat } from "./nat_check.ts";
import { checkNode, type NodeCheck, type NodeCheckOptions } from "./node_check.ts";
import type { PeerChoices } from "./peer_options.ts";
import type { Terminal } from "./terminal.ts";

export type DoctorChoices = Pick<PeerChoices, "node" | "key" | "network" | "token" | "insecure" | "json">;

/** Milliseconds for each step with a node. */
const DEADLINE = 5_000;

/** `waymeet doctor [URL…]` */
export async function doctor(terminal: Terminal, named: string[], choices: DoctorChoices): Promise<void> {
  const urls = named.length > 0 ? named : choices.node ?? [];
  const nodeUrls = urls.filter((url) => /^wss?:/.test(url));
  const stunUrls = urls.filter((url) => parseStunUrl(url) !== undefined);
  const wrong = urls.find((url) => !nodeUrls.includes(url) && !stunUrls.includes(url));
  if (wrong !== undefined) {
    throw new UsageError(`"${wrong}" is no URL of a node (wss://…) or STUN server (stun:…)`);
  }
  if (urls.length === 0) {
    throw new UsageError("name a node: waymeet doctor wss://… (or --node, WAYMEET_NODES)");
  }
  const options = await checkOptions(terminal, choices);
  const nodes = await checkAll(nodeUrls, options);
  const told = nodes.flatMap(({ welcome }) => welcome?.stun ?? []);
  const { bindUdp } = await import("../../edge/udp.ts");
  const nat = await checkNat([...new Set([...told, ...stunUrls])], bindUdp);
  const report = { nodes, nat };
  if (choices.json) await terminal.output.json(reportJson(report));
  else await terminal.output.write(reportText(report));
  if (nodes.length > 0 && nodes.every(({ error }) => error !== undefined)) {
    throw new Failure("node-unreachable", `no session with ${nodeUrls.join(", ")}: ${nodes[0]!.error}`);
  }
}

async function checkOptions(terminal: Terminal, choices: DoctorChoices): Promise<NodeCheckOptions> {
  const { network, token, insecure, key } = choices;
  const identity = key ? await loadKey(terminal, key) : undefined;
  const connect = await connectOf(terminal.runtime);
  return { network, connect, identity, token: token || undefined, insecure, deadline: DEADLINE };
}

async function checkAll(urls: string[], options: NodeCheckOptions): Promise<NodeCheck[]> {
  try {
    return await Promise.all(urls.map((url) => checkNode(url, options)));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace(/say "insecure"/, "add --insecure"), { cause: error });
  }
}

async function connectOf(runtime: Terminal["runtime"]): Promise<Connect> {
  if (runtime === "bun") return connectWith(WebSocket as unknown as WebSocketConstructor);
  return (await import("../../edge/ws_dialer.ts")).connect;
}
