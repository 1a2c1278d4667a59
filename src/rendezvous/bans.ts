/** Peers that an operator does not want back for a while. */
import type { PeerId } from "../identity/peer_id.ts";

export interface Ban {
  /** Shown to the peer. */
  reason: string;
  /** Milliseconds since 1970; `Infinity`: until the node ends. */
  until: number;
}

/** Bans end by themselves; nothing is kept longer than until the next one is added. */
export class Bans {
  readonly #bans = new Map<PeerId, Ban>();

  add(peer: PeerId, ban: Ban, now: number): void {
    for (const [other, { until }] of this.#bans) if (until <= now) this.#bans.delete(other);
    this.#bans.set(peer, ban);
  }

  lift(peer: PeerId): boolean {
    return this.#bans.delete(peer);
  }

  /** The ban that holds now. */
  find(peer: PeerId, now: number): Ban | undefined {
    const ban = this.#bans.get(peer);
    return ban !== undefined && ban.until > now ? ban : undefined;
  }
}
