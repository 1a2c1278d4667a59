import type { PeerId } from "../identity/peer_id.ts";

/** Milliseconds that a member may be missing from what another node knows: a node that has just begun knows nobody yet. */
export const MISSING_PATIENCE = 2_000;

/**
 * The members of a topic as far as they are shown to this peer. Pure. What a node says of one
 * member counts at once; who is merely missing from the list of another node is believed to be
 * gone after a moment.
 */
export class Membership {
  readonly members: Set<PeerId> = new Set();
  readonly #missing = new Map<PeerId, number>();

  /** When {@link waited} has something to do, monotonic milliseconds. */
  get due(): number | undefined {
    return this.#missing.size > 0 ? Math.min(...this.#missing.values()) : undefined;
  }

  /** All that a node shows. Returns who is new. */
  roster(peers: readonly PeerId[], now: number): PeerId[] {
    const shown = new Set(peers);
    for (const peer of this.members) {
      if (shown.has(peer)) this.#missing.delete(peer);
      else if (!this.#missing.has(peer)) this.#missing.set(peer, now + MISSING_PATIENCE);
    }
    return peers.filter((peer) => this.came(peer));
  }

  /** False when it was here. */
  came(peer: PeerId): boolean {
    this.#missing.delete(peer);
    if (this.members.has(peer)) return false;
    this.members.add(peer);
    return true;
  }

  /** False when it was not here. */
  left(peer: PeerId): boolean {
    this.#missing.delete(peer);
    return this.members.delete(peer);
  }

  /** Time passed. Returns who is gone. */
  waited(now: number): PeerId[] {
    const gone = [...this.#missing].filter(([, until]) => until <= now).map(([peer]) => peer);
    return gone.filter((peer) => this.left(peer));
  }

  /** The node that spoke is lost: nobody is missing until another one has spoken. */
  unheard(): void {
    this.#missing.clear();
  }
}
