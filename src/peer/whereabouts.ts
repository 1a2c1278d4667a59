/**
 * What a watcher believes of one peer. Pure. That a peer is gone is believed only after a
 * moment: one whose node was killed is back through another soon, and a node that has just
 * begun knows nobody yet. What the own node said last counts no longer once that node is
 * lost; nothing changes then until another one speaks.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";

export type Whereabouts =
  /** No node has said anything yet. */
  | { readonly state: "unknown" }
  | { readonly state: "online"; readonly node: PeerId }
  /** Said to be gone; still taken for online, until `until` (monotonic milliseconds). */
  | { readonly state: "missing"; readonly node: PeerId; readonly until: number }
  | { readonly state: "offline" };

/** What became of it, and what is to be told. */
export interface Turn {
  after: Whereabouts;
  news?: "online" | "offline" | "moved";
}

export const UNKNOWN: Whereabouts = { state: "unknown" };
const OFFLINE: Whereabouts = { state: "offline" };

/** The node says that the peer is at `node`, or at none. */
export function sighted(
  before: Whereabouts,
  node: PeerId | undefined,
  now: number,
  patience: number,
): Turn {
  const online = before.state === "online" || before.state === "missing";
  if (node !== undefined) {
    const after = { state: "online", node } as const;
    if (!online) return { after, news: "online" };
    return before.node === node ? { after } : { after, news: "moved" };
  }
  if (before.state === "online") {
    return waited({ state: "missing", node: before.node, until: now + patience }, now);
  }
  return before.state === "unknown" ? { after: OFFLINE, news: "offline" } : { after: before };
}

/** Time passed. */
export function waited(before: Whereabouts, now: number): Turn {
  if (before.state !== "missing" || now < before.until) return { after: before };
  return { after: OFFLINE, news: "offline" };
}

/** The node that spoke is lost. */
export function unheard(before: Whereabouts): Whereabouts {
  return before.state === "missing" ? { state: "online", node: before.node } : before;
}
