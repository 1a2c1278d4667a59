/**
 * What happens to the first packet of somebody who wants a link: recognised as a
 * replay, opened, verified, admitted by policy, answered.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { type Greeting, type Local, noiseMessage, type OpenedInit, openInit } from "../link/greeting.ts";
import { InitCache, type OpenInit } from "../link/init_cache.ts";
import { type InitPacket, writeRefused } from "../link/packet.ts";
import type { Clock } from "../session/clock.ts";
import { type Key, Reason } from "../wire/protocol.ts";
import { Freshness } from "./freshness.ts";

/** A decision on a link that somebody wants to begin. */
export type Verdict = { accepted: true } | { accepted: false; reason: string };

/** What reception needs of the peer. */
export interface Hall {
  clock: Clock;
  local: Local;
  /** Whether there is a link with that peer, begun by either side. */
  knows(peer: PeerId): boolean;
  /** Asks the program. */
  judge(peer: PeerId): Promise<Verdict>;
  /** Hands a verified, fresh greeting to the link, a new one if need be; returns the response packet. */
  welcome(peer: PeerId, greeting: Greeting, init: OpenedInit): Uint8Array | undefined;
}

export class Reception {
  readonly freshness: Freshness = new Freshness();
  readonly #judging = new Map<PeerId, Promise<Verdict>>();
  readonly #hall: Hall;
  readonly #cache: InitCache;

  constructor(hall: Hall) {
    this.#hall = hall;
    this.#cache = new InitCache(hall.clock);
  }

  /** `reply` sends back by the path that brought the packet. */
  async receive(
    source: Key,
    peer: PeerId,
    packet: InitPacket,
    reply: (answer: Uint8Array) => void,
  ): Promise<void> {
    const begun = this.#cache.begin(noiseMessage(packet), peer);
    if (begun.kind === "repeated") return reply(begun.response);
    if (begun.kind === "busy") return reply(writeRefused(packet.handshake, Reason.overQuota));
    if (begun.kind !== "begun") return;
    const opened = openInit(this.#hall.local, source, packet);
    if (!opened) {
      begun.init.abandon();
      // Most likely greeted to a process that is gone: the hint makes its sender look us up.
      return reply(writeRefused(packet.handshake, Reason.peerRestarted));
    }
    const response = await this.#answer(peer, opened, begun.init);
    if (response) {
      begun.init.answer(response);
      reply(response);
    } else {
      begun.init.abandon();
      opened.forget();
    }
  }

  async #answer(peer: PeerId, opened: OpenedInit, init: OpenInit): Promise<Uint8Array | undefined> {
    const { clock } = this.#hall;
    const greeting = await opened.verify(clock.wall());
    if (!greeting) return undefined;
    if (!this.freshness.admit(peer, greeting.record, greeting.time, clock.now())) return undefined;
    if (!init.accept(greeting.theirs ?? greeting.time)) return undefined;
    if (!this.#hall.knows(peer)) {
      if (greeting.continues) return this.#decline(opened, Reason.linkClosed, "that link is closed here");
      const verdict = await this.#judge(peer);
      if (!verdict.accepted) return this.#decline(opened, Reason.linkRejected, verdict.reason);
    }
    return this.#hall.welcome(peer, greeting, opened);
  }

  /** The program is asked once, however often a peer greets while it decides. */
  #judge(peer: PeerId): Promise<Verdict> {
    const judging = this.#judging.get(peer) ??
      this.#hall.judge(peer).finally(() => this.#judging.delete(peer));
    this.#judging.set(peer, judging);
    return judging;
  }

  #decline(opened: OpenedInit, reason: number, text: string): Uint8Array {
    return opened.answer({ time: this.#hall.local.stamp(), reason, text, frames: new Uint8Array() }).packet;
  }
}
