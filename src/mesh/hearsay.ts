/**
 * Nodes that others speak of and nobody has proven here. They are not members: they are
 * not listed, not passed on, and take part in nothing, so a flood of them ends at the
 * first honest node.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { type Claim, compareClaims } from "./claim.ts";
import { HEARSAY_LIFETIME, MAX_HEARSAY } from "./mesh_limits.ts";

interface Rumoured {
  claim: Claim;
  /** Who said so first. */
  readonly from: PeerId;
  /** When it was last said, monotonic milliseconds. */
  heardAt: number;
}

export class Hearsay {
  /** Oldest first. */
  readonly #nodes = new Map<PeerId, Rumoured>();
  readonly #tellers = new Map<PeerId, number>();

  get size(): number {
    return this.#nodes.size;
  }

  get(node: PeerId): Claim | undefined {
    return this.#nodes.get(node)?.claim;
  }

  /** Who spoke of it first. */
  teller(node: PeerId): PeerId | undefined {
    return this.#nodes.get(node)?.from;
  }

  *claims(): IterableIterator<Claim> {
    for (const { claim } of this.#nodes.values()) yield claim;
  }

  /** Takes a claim about a node that is spoken of already; false: it is not. */
  update(claim: Claim, now: number): boolean {
    const told = this.#nodes.get(claim.node);
    if (!told) return false;
    told.heardAt = now;
    if (compareClaims(claim, told.claim) > 0) told.claim = claim;
    return true;
  }

  /** Somebody new. When there is no room, the oldest of whoever spoke of most makes it. */
  add(claim: Claim, from: PeerId, now: number): void {
    if (this.#nodes.size >= MAX_HEARSAY) this.delete(this.#oldestOf(this.#loudest()));
    this.#nodes.set(claim.node, { claim, from, heardAt: now });
    this.#tellers.set(from, (this.#tellers.get(from) ?? 0) + 1);
  }

  delete(node: PeerId): void {
    const told = this.#nodes.get(node);
    if (!told) return;
    this.#nodes.delete(node);
    const left = this.#tellers.get(told.from)! - 1;
    if (left > 0) this.#tellers.set(told.from, left);
    else this.#tellers.delete(told.from);
  }

  /** What nobody repeats is forgotten. */
  tick(now: number): void {
    for (const [node, { heardAt }] of this.#nodes) if (now - heardAt >= HEARSAY_LIFETIME) this.delete(node);
  }

  #loudest(): PeerId {
    return [...this.#tellers].reduce((a, b) => b[1] > a[1] ? b : a)[0];
  }

  #oldestOf(teller: PeerId): PeerId {
    return [...this.#nodes].find(([, { from }]) => from === teller)![0];
  }
}
