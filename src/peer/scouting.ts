/**
 * Looks now and then at a node that holds neither of a peer's sessions: one that came near
 * (a new region, a mended line) would otherwise never be found while home and standby live.
 *
 * @module
 */
import type { Hello, Key } from "../wire/protocol.ts";
import { Reason } from "../wire/protocol.ts";
import { HANDSHAKE_STEP } from "../wire/limits.ts";
import { Anchor } from "./anchor.ts";
import type { Settings } from "./options.ts";
import type { Passport } from "./passport.ts";
import type { Platform } from "./platform.ts";
import { RANKING_WINDOW } from "./ranking.ts";

/** Milliseconds between two looks, on average: each costs a handshake, and networks change in hours. */
export const SCOUT_EVERY = 600_000;
/** Milliseconds between two pings of one look. */
const ASK = 2_000;
/** Milliseconds after which a look that has not ended is given up. */
const PATIENCE = 30_000;

export interface ScoutingHost {
  /** URLs of nodes worth a look now. */
  candidates(): readonly string[];
  /** Claims a node for this anchor; false (and the anchor gives up) when another one is there. */
  claim(anchor: Anchor, node: Key): boolean;
  release(anchor: Anchor): void;
  /** While it looks, the node has a seat for this peer, and others there may send to it. */
  data(source: Key, packet: Uint8Array): void;
  /** `RANKING_WINDOW` round trips of the node there, milliseconds. */
  measured(url: string, rtts: readonly number[]): void;
}

/** Looks at one node at a time, for a few pings; its session carries no record, so nobody is led there. */
export class Scouting {
  readonly #settings: Settings;
  readonly #platform: Platform;
  readonly #passport: Passport;
  readonly #host: ScoutingHost;
  #cancel: (() => void) | undefined;
  #look: { anchor: Anchor; url: string; until: number; rtts: number[] } | undefined;
  #last: string | undefined;

  constructor(settings: Settings, platform: Platform, passport: Passport, host: ScoutingHost) {
    this.#settings = settings;
    this.#platform = platform;
    this.#passport = passport;
    this.#host = host;
  }

  begin(): void {
    // From half to one and a half: peers that began together do not look together.
    const share = 0.5 + this.#settings.random(1)[0]! / 256;
    this.#after(SCOUT_EVERY * share, () => this.#go());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#look?.anchor.close(Reason.closed);
    this.#look = undefined;
  }

  #go(): void {
    const url = this.#next();
    if (url === undefined) return this.begin();
    this.#last = url;
    const anchor: Anchor = new Anchor(this.#settings, this.#platform, this.#passport, {
      choose: () => url,
      introduce: (_, hello) => this.#introduce(anchor, hello),
      up: () => this.#askLater(),
      measured: (_, rtt) => this.#measured(rtt),
      down: () => this.#end(),
      data: (_, source, packet) => this.#host.data(source, packet),
      control() {},
    });
    this.#look = { anchor, url, until: this.#settings.clock.now() + PATIENCE, rtts: [] };
    this.#after(PATIENCE, () => this.#end());
    anchor.dial();
  }

  /** In turn. */
  #next(): string | undefined {
    const urls = this.#host.candidates();
    return urls[(urls.indexOf(this.#last ?? "") + 1) % urls.length];
  }

  #introduce(anchor: Anchor, { node }: Hello): Promise<Uint8Array[]> {
    this.#host.claim(anchor, node);
    return Promise.resolve([]);
  }

  /** The session itself pings as it begins. */
  #askLater(): void {
    const { anchor, until } = this.#look!;
    this.#after(ASK, () => {
      if (this.#settings.clock.now() >= until) return this.#end();
      anchor.session?.ask();
      this.#askLater();
    });
  }

  #measured(rtt: number): void {
    if (!this.#look) return;
    const { url, rtts } = this.#look;
    rtts.push(rtt);
    if (rtts.length < RANKING_WINDOW) return;
    this.#end();
    this.#host.measured(url, rtts);
  }

  #end(): void {
    const { anchor } = this.#look!;
    this.#look = undefined;
    const [host, clock] = [this.#host, this.#settings.clock];
    // Words under way may still seat that session: no other may begin there before it is over.
    if (anchor.session) host.release(anchor);
    else clock.after(HANDSHAKE_STEP, () => host.release(anchor));
    anchor.close(Reason.closed);
    this.begin();
  }

  #after(delay: number, run: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#settings.clock.after(delay, run);
  }
}
