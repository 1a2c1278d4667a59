import type { PeerId } from "../identity/peer_id.ts";
import type { Claim } from "./claim.ts";
import { GRAVE_LIFETIME, MAX_GRAVES } from "./mesh_limits.ts";

/** Final claims about nodes that are no longer listed: what is buried here, old gossip cannot bring back. */
export class Graves {
  /** Oldest first. */
  readonly #graves = new Map<PeerId, { claim: Claim; since: number }>();

  get size(): number {
    return this.#graves.size;
  }

  get(node: PeerId): Claim | undefined {
    return this.#graves.get(node)?.claim;
  }

  /** Buries `claim.node`; the oldest grave makes room. */
  dig(claim: Claim, now: number): void {
    this.#graves.delete(claim.node);
    if (this.#graves.size >= MAX_GRAVES) this.#graves.delete(this.#graves.keys().next().value!);
    this.#graves.set(claim.node, { claim, since: now });
  }

  delete(node: PeerId): void {
    this.#graves.delete(node);
  }

  /** Levels the graves that are old enough. */
  tick(now: number): void {
    for (const [node, { since }] of this.#graves) {
      if (now - since < GRAVE_LIFETIME) return;
      this.#graves.delete(node);
    }
  }
}
