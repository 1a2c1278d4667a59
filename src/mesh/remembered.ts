/**
 * Nodes met before, for the day when nobody on the list answers.
 *
 * @module
 */
import { parsePeerId, type PeerId } from "../identity/peer_id.ts";
import { validUrls } from "./claim.ts";
import { MAX_REMEMBERED, REMEMBER } from "./mesh_limits.ts";
import type { Spot } from "./places.ts";

interface Acquaintance {
  readonly node: PeerId;
  readonly urls: readonly string[];
  /** When a session with it stood last, wall milliseconds. */
  readonly seen: number;
}

/** Only nodes that this one had a session with: what others tell does not fill it. */
export class Remembered {
  /** Seen longest ago first. */
  readonly #nodes = new Map<PeerId, Acquaintance>();

  /** A session with it stands; a node without URL cannot be dialled. */
  saw(node: PeerId, urls: readonly string[], now: number): void {
    if (urls.length === 0 || !validUrls(urls)) return;
    this.#nodes.delete(node);
    this.#nodes.set(node, { node, urls, seen: now });
    if (this.#nodes.size > MAX_REMEMBERED) this.#nodes.delete(this.#nodes.keys().next().value!);
  }

  /** Seen last first; who was not seen for `REMEMBER` is forgotten. */
  spots(now: number): Spot[] {
    for (const { node, seen } of this.#nodes.values()) if (now - seen >= REMEMBER) this.#nodes.delete(node);
    return [...this.#nodes.values()].reverse().flatMap(({ node, urls }) =>
      urls.map((url) => ({ url, met: node }))
    );
  }

  /** As it is kept: JSON. */
  text(network: string): string {
    return `${JSON.stringify({ waymeet: "nodes", network, nodes: [...this.#nodes.values()] }, null, 1)}\n`;
  }

  /** Takes in what {@link text} gave; otherwise says why not, and nothing is taken. Clocks that went wrong keep nobody for ever. */
  read(text: string, network: string, now: number): string | undefined {
    const kept = parse(text);
    if (kept === undefined) return "it is not a list of nodes that waymeet wrote";
    if (kept.network !== network) return `its nodes are of the network ${JSON.stringify(kept.network)}`;
    for (const { node, urls, seen } of kept.nodes.sort((a, b) => a.seen - b.seen)) {
      if (!this.#nodes.has(node)) this.saw(node, urls, Math.min(seen, now));
    }
    return undefined;
  }
}

function parse(text: string): { network: unknown; nodes: Acquaintance[] } | undefined {
  try {
    const { waymeet, network, nodes } = JSON.parse(text);
    if (waymeet !== "nodes" || !Array.isArray(nodes)) return undefined;
    return { network, nodes: nodes.map(acquaintance) };
  } catch {
    return undefined;
  }
}

/** @throws anything when it is none. */
function acquaintance({ node, urls, seen }: Record<string, unknown>): Acquaintance {
  const list = urls as string[];
  if (!Number.isFinite(seen) || !list.every((url) => typeof url === "string") || !validUrls(list)) {
    throw new TypeError("no acquaintance");
  }
  return { node: parsePeerId(node as string), urls: [...list], seen: seen as number };
}
