/** Peers that an operator does not want back for a while. */
import type { PeerId } from "../identity/peer_id.ts";
import { Reason } from "../wire/protocol.ts";

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

  /** Why that peer is turned away now. */
  refusal(peer: PeerId, now: number): { reason: Reason; text: string } | undefined {
    const ban = this.find(peer, now);
    if (ban === undefined) return undefined;
    const until = ban.until === Infinity ? "" : `, until ${new Date(ban.until).toISOString()}`;
    return { reason: Reason.banned, text: ban.reason + until };
  }

  /** The ban that holds now. */
  find(peer: PeerId, now: number): Ban | undefined {
    const ban = this.#bans.get(peer);
    return ban !== undefined && ban.until > now ? ban : undefined;
  }
}
