/**
 * One of a peer's sessions: dialled, kept, and dialled again, at the same node or another.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import { dialSession } from "../session/dial.ts";
import { type Decision, FRESH, type ReconnectState, reconnectStep } from "../session/reconnect.ts";
import type { Session, SessionEnd } from "../session/session.ts";
import { dataPayload, peerOf } from "../wire/data_frame.ts";
import { type Control, type Found, type Hello, type Key, Reason } from "../wire/protocol.ts";
import type { Settings } from "./options.ts";
import type { Passport } from "./passport.ts";
import type { Change, Platform } from "./platform.ts";

/** Milliseconds a node has to answer when it is not sure that the session lives: many round trips of a poor line. */
const PROBE_PATIENCE = 3_000;

export interface AnchorEvents {
  /** The URL to dial next, if there is one; `left`: the one that was tried last is not the first choice now. */
  choose(anchor: Anchor, left: string | undefined): string | undefined;
  /** Frames that go along with the auth. */
  introduce(anchor: Anchor, hello: Hello, found: Found[]): Promise<Uint8Array[]>;
  /** Peers that the node is asked for by the URL. */
  sought?(): readonly PeerId[];
  up(anchor: Anchor): void;
  /** A ping was answered after so many milliseconds. */
  measured(anchor: Anchor, rtt: number): void;
  /** `decision` says whether and when it is dialled again. */
  down(anchor: Anchor, end: SessionEnd, decision: Decision): void;
  data(anchor: Anchor, source: Key, packet: Uint8Array): void;
  control(anchor: Anchor, frame: Control): void;
}

export class Anchor {
  /** The session, while it is ready. */
  session: Session | undefined;
  url: string | undefined;
  readonly #settings: Settings;
  readonly #platform: Platform;
  readonly #passport: Passport;
  readonly #events: AnchorEvents;
  #dialled: Session | undefined;
  #backoff: ReconnectState = FRESH;
  #readyAt = 0;
  /** Between two tries. */
  #waiting: { left: string | undefined; cancel: () => void } | undefined;
  /** No network, or the program may be ending: nothing is dialled in haste. */
  #still = false;
  #closed = false;

  constructor(settings: Settings, platform: Platform, passport: Passport, events: AnchorEvents) {
    this.#settings = settings;
    this.#platform = platform;
    this.#passport = passport;
    this.#events = events;
  }

  /** Dials where its owner says; idle when that is nowhere. `left`: a URL that is not to be the first choice. */
  dial(left?: string): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    this.url = this.#events.choose(this, left);
    if (this.url !== undefined) this.#dialled = this.#begin(this.url);
  }

  #begin(url: string): Session {
    const settings = this.#settings;
    const passport = this.#passport;
    return dialSession({
      url,
      insecure: settings.insecure,
      identity: passport.identity,
      network: settings.network,
      instance: passport.instance,
      started: (hello) => passport.startedBy(hello),
      age: () => passport.age,
      agent: this.#platform.name,
      token: settings.token,
      connect: this.#platform.connect,
      clock: settings.clock,
      random: settings.random,
      find: this.#events.sought?.(),
      early: (hello, found) => this.#events.introduce(this, hello, found),
      handlers: {
        ready: (session) => this.#ready(session),
        data: (_, message, start, end) =>
          this.#events.data(this, peerOf(message, start), dataPayload(message, start, end)),
        control: (_, frame) => this.#events.control(this, frame),
        measured: (_, rtt) => this.#events.measured(this, rtt),
        // Not when the socket is closed: the other session takes over at once.
        leaving: (session, end) => this.#ended(session, end),
        closed: (session, end) => this.#ended(session, end),
      },
    });
  }

  #ready(session: Session): void {
    this.session = session;
    this.#readyAt = this.#settings.clock.now();
    this.#events.up(this);
  }

  #ended(session: Session, end: SessionEnd): void {
    if (this.#dialled !== session) return;
    this.#dialled = undefined;
    const lasted = this.session ? this.#settings.clock.now() - this.#readyAt : 0;
    this.session = undefined;
    if (this.#closed) return;
    const { state, decision } = reconnectStep(
      this.#backoff,
      end,
      lasted,
      this.#settings.random(1)[0]! / 256,
      this.#settings.backoff,
    );
    this.#backoff = state;
    this.#events.down(this, end, decision);
    if (decision.type === "stop" || this.#closed) return;
    // A node that is gone gets one more chance before the next: most come back on their port at once.
    // One that is silent is silent to a new session, too.
    const elsewhere = decision.elsewhere || !end.wasReady || end.reason === Reason.pingTimeout;
    const left = elsewhere ? this.url : undefined;
    this.#dialLater(decision.delay, left);
  }

  #dialLater(delay: number, left: string | undefined): void {
    this.#waiting?.cancel();
    const { clock, backoff } = this.#settings;
    // Platforms err about their network, so this is a long wait and no end.
    const wait = this.#still ? Math.max(delay, backoff.max) : delay;
    this.#waiting = { left, cancel: clock.after(wait, () => this.dial(left)) };
  }

  /** What the platform tells: waits grow long or end, and a session in doubt is asked. */
  changed(change: Change): void {
    this.#still = change === "offline" || change === "leaving";
    if (change === "leaving") this.giveUp("the program is leaving");
    if (this.#still) {
      if (this.#waiting) this.#dialLater(0, this.#waiting.left);
      return;
    }
    this.#backoff = FRESH;
    if (this.#waiting) this.dial(this.#waiting.left);
    else this.session?.probe(PROBE_PATIENCE);
  }

  /** Nowhere to go, until it is dialled. */
  get idle(): boolean {
    return this.url === undefined && !this.#closed;
  }

  /** Waits for its owner to dial it again. */
  rest(): void {
    this.url = undefined;
  }

  /** Gives this try up, as if the node had: another follows, elsewhere if there is somewhere else. */
  giveUp(text: string): void {
    this.#dialled?.close(Reason.closed, text);
  }

  /** Says bye; nothing is dialled any more. */
  close(reason: number): void {
    this.#closed = true;
    this.#waiting?.cancel();
    this.#waiting = undefined;
    this.session = undefined;
    this.#dialled?.close(reason);
  }
}
