/**
 * Ends of data channels made ahead of any attempt, while a peer that is being dialled is
 * still looked up: their offers travel in the greeting. The greeted side, which asks for
 * the attempt, can then answer at once, and the dialling side knows its own addresses by
 * the time it is invited: one way through the nodes less until both have what they need.
 * What a greeting tells is no address; those are told when there is an attempt.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import type { IceServer } from "../session/ice_servers.ts";
import type { PathHost } from "./port.ts";
import { encodeWords, type RtcEnd, type RtcEvents, type RtcStack, type Words } from "./rtc.ts";

/** In place of an attempt's id: the offer that a greeting brings, for whichever attempt comes first. */
export const GREETED: Uint8Array = new Uint8Array(16).fill(1);
/** Milliseconds for the answer to a dial and the invite behind it. */
const FORESEEN_FOR = 5_000;
/** Milliseconds for which such an offer counts on the other side: less, so that its end is still there. */
export const OFFER_FRESH = 2_000;
/** Ends at a time: a program that dials hundreds at once pays for those few alone (330 KiB, a socket each). */
const MAX_FORESEEN = 8;

/** One such end, which keeps what it has to say until somebody takes it over. */
export class Foreseen {
  readonly end: RtcEnd;
  /** Not told to {@link Foreseen.takenOver}: the greeting did. */
  offer: Words | undefined;
  #kept: ((events: RtcEvents) => void)[] = [];
  #events: RtcEvents | undefined;

  constructor(stack: RtcStack, iceServers: IceServer[], closed: () => void) {
    this.end = stack.connect("offerer", iceServers, {
      words: (words) => {
        if (words.type === "candidate") this.#pass((events) => events.words(words));
        else this.offer ??= words;
      },
      gathered: () => this.#pass((events) => events.gathered()),
      opened: () => this.#pass((events) => events.opened()),
      message: (bytes) => this.#events?.message(bytes),
      drained: () => this.#events?.drained(),
      closed: (reason) => this.#events ? this.#events.closed(reason) : closed(),
    });
  }

  /** From now on `events` hear of it, and of what happened until now; but for its offer. */
  takenOver(events: RtcEvents): void {
    this.#events = events;
    for (const tell of this.#kept.splice(0)) tell(events);
  }

  #pass(tell: (events: RtcEvents) => void): void {
    if (this.#events) tell(this.#events);
    else this.#kept.push(tell);
  }
}

interface Held {
  foreseen: Foreseen;
  /** The link whose greeting brought the offer. */
  host: PathHost | undefined;
  cancel: () => void;
}

/** The ends that are foreseen now, at most one a peer. */
export class Foresight {
  readonly #clock: Clock;
  readonly #held = new Map<PeerId, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether another one may be made for that peer. */
  mayExpect(peer: PeerId): boolean {
    return this.#held.size < MAX_FORESEEN && !this.#held.has(peer);
  }

  expect(peer: PeerId, stack: RtcStack, iceServers: IceServer[]): void {
    if (!this.mayExpect(peer)) return;
    try {
      const foreseen = new Foreseen(stack, iceServers, () => this.forgo(peer));
      const cancel = this.#clock.after(FORESEEN_FOR, () => this.forgo(peer));
      this.#held.set(peer, { foreseen, host: undefined, cancel });
    } catch { // a stack that refuses its configuration, or has no more sockets: the attempt will say so
    }
  }

  /** A link begins: its greeting takes the offer along, or there will be none. */
  begun(host: PathHost): void {
    const held = this.#held.get(host.peer);
    if (!held) return;
    const words = held.host ? undefined : held.foreseen.offer && encodeWords(held.foreseen.offer);
    if (!words) return this.forgo(host.peer);
    held.host = host;
    host.signal(GREETED, words);
  }

  /** The end whose offer that link's greeting brought, for an attempt. */
  take(host: PathHost): Foreseen | undefined {
    const held = this.#held.get(host.peer);
    if (held?.host !== host) return undefined;
    held.cancel();
    this.#held.delete(host.peer);
    return held.foreseen;
  }

  /** There will be no attempt with that peer. */
  forgo(peer: PeerId): void {
    const held = this.#held.get(peer);
    held?.cancel();
    held?.foreseen.end.close();
    this.#held.delete(peer);
  }

  close(): void {
    for (const peer of [...this.#held.keys()]) this.forgo(peer);
  }
}
