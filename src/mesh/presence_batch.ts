/**
 * Changes that leave within the same few milliseconds leave in one frame: a peer that arrives
 * publishes two or three records in a row, and a node that comes back gets hundreds of peers.
 *
 * @module
 */

import { type PeerId, peerIdText } from "../identity/peer_id.ts";
import { MAX_CHANGES } from "../wire/limits.ts";
import type { PresenceDelta } from "../wire/mesh_protocol.ts";
import { fits } from "./presence_frames.ts";

/** Milliseconds for which a change waits for others: far less than a way through the mesh takes. */
export const SPREAD_DELAY = 5;

/** One frame for these neighbours. */
export interface Outgoing {
  readonly to: readonly PeerId[];
  readonly frame: PresenceDelta;
}

export class PresenceBatch {
  #waiting: Outgoing[] = [];

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(to: readonly PeerId[], frame: PresenceDelta): void {
    const at = this.#waiting.findLastIndex((other) => sameBytes(other.frame.origin, frame.origin));
    const before = this.#waiting[at];
    const both = before && sameNodes(before.to, to) ? join(before.frame, frame) : undefined;
    if (both) this.#waiting[at] = { to, frame: both };
    else this.#waiting.push({ to, frame });
  }

  /** All that waits, in its order. */
  take(): Outgoing[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}

/** Both in one, if one follows the other and they fit. What a later change of the same peer replaced is left out. */
export function join(first: PresenceDelta, second: PresenceDelta): PresenceDelta | undefined {
  if (first.epoch !== second.epoch || first.to !== second.from) return undefined;
  const replaced = new Set(second.entries.map(({ peer }) => peerIdText(peer)));
  const kept = first.entries.filter(({ peer }) => !replaced.has(peerIdText(peer)));
  const joined = { ...second, from: first.from, entries: [...kept, ...second.entries] };
  return joined.entries.length <= MAX_CHANGES && fits(joined) ? joined : undefined;
}

function sameNodes(some: readonly PeerId[], others: readonly PeerId[]): boolean {
  return some.length === others.length && some.every((node, i) => node === others[i]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
