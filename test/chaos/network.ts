/** Where the processes of a chaos run live, so that a node can be cut off by packets that vanish. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { Namespaces } from "./namespaces.ts";
import { Proxies } from "./proxies.ts";
import type { Flow } from "./wire_proxy.ts";

/** A node by its number, or where the peers are. */
export type Place = number | "peers";

export interface Network {
  /** What a cut is here, for the reader of the figures. */
  readonly how: string;
  /** Words before a command that is to run there. */
  inside(place: Place): string[];
  /** Where a node listens. */
  address(node: number): { host: string; port: number };
  /** What `from` dials to reach a node. */
  url(from: Place, to: number): string;
  /** Where other nodes are told to dial a node; none: each dials by its own list. */
  meshUrl(node: number): string | undefined;
  /** From now on nothing reaches the node and nothing leaves it; nobody is told. */
  cut(node: number): void;
  heal(node: number): void;
  /** What happens to the connections of a node from now on; none: this network cannot do that. */
  turn?(node: number, flow: Flow): void;
  close(): void;
}

/** Namespaces where the machine lets this process make them and no connection is to suffer, else proxies. */
export async function openNetwork(nodes: number, proxied: boolean): Promise<Network> {
  return !proxied && canMakeNamespaces() ? new Namespaces(nodes) : await Proxies.open(nodes);
}

function canMakeNamespaces(): boolean {
  const name = `waymeet-try-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]).status === 0;
  const able = made && spawnSync("ip", ["-n", name, "link", "add", "b0", "type", "bridge"]).status === 0;
  if (made) spawnSync("ip", ["netns", "delete", name]);
  return able;
}
