import type { PeerId } from "../identity/peer_id.ts";
import { comparePeerIds } from "../identity/peer_id.ts";
import { SIMULTANEOUS } from "./mesh_limits.ts";

/** A ready session between two nodes. */
export interface NodeSession {
  dialledBy: PeerId;
  /** Monotonic milliseconds. */
  readyAt: number;
  /** The epoch the other node greeted with. */
  epoch: number;
}

/**
 * Which of two sessions of one pair of nodes stays, so that both ends choose alike.
 * Dialled from both sides at once: the one that the smaller id dialled. Otherwise the
 * newer one: who dials again has lost the older one, whether its other end noticed or
 * not, and a new life always has.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const [a, b] = ["a".repeat(52), "b".repeat(52)] as [PeerId, PeerId];
 * const byB = { dialledBy: b, readyAt: 0, epoch: 1 };
 * assert.equal(preferred(byB, { dialledBy: a, readyAt: 90, epoch: 1 }), "newer");
 * assert.equal(preferred({ ...byB, dialledBy: a }, { ...byB, readyAt: 90 }), "older");
 * ```
 */
export function preferred(older: NodeSession, newer: NodeSession): "older" | "newer" {
  const opposite = older.dialledBy !== newer.dialledBy && older.epoch === newer.epoch;
  const simultaneous = opposite && newer.readyAt - older.readyAt < SIMULTANEOUS;
  return simultaneous && comparePeerIds(older.dialledBy, newer.dialledBy) < 0 ? "older" : "newer";
}
