/**
 * How fast a peer sends to each of its nodes: a node says what it takes, and what is sent below that is
 * not lost.
 *
 * @module
 */
import type { Plane } from "../link/planes.ts";
import type { Clock } from "../session/clock.ts";
import type { Session } from "../session/session.ts";
import { encodeData } from "../wire/data_frame.ts";
import type { Key, Rate } from "../wire/protocol.ts";

/** What a node may count for a message beside its bytes. */
const MESSAGE_COST = 64;
/** Of the rate: clocks differ, and what waits on the way arrives together. */
const USED = 0.95;
/** Of the burst, for the same reason. */
const BURST_USED = 0.5;

/** One of the two buckets: it may be overdrawn by one packet, which is waited for afterwards. Pure. */
class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond * USED;
    this.#burst = Math.max(1, burst * BURST_USED);
    this.#left = this.#burst;
    this.#at = now;
  }

  spend(count: number, now: number): void {
    this.#fill(now);
    this.#left -= count;
  }

  /** Not more than comes back after that many milliseconds, and not more than `before` has. */
  lower(before: Allowance | undefined, pause: number, now: number): void {
    const owed = pause > 0 ? -this.#perSecond * pause / 1_000 : this.#left;
    this.#left = Math.min(this.#left, owed, before === undefined ? Infinity : before.left(now));
  }

  left(now: number): number {
    this.#fill(now);
    return this.#left;
  }

  /** Whole milliseconds until something may be sent: less is no time for a timer. */
  wait(now: number): number {
    const left = this.left(now);
    return left > 0 ? 0 : Math.ceil((1 - left) * 1_000 / this.#perSecond);
  }

  #fill(now: number): void {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perSecond / 1_000);
    this.#at = now;
  }
}

/** What one node takes. Pure. */
export class Pace {
  readonly rate: Rate;
  readonly #frames: Allowance | undefined;
  readonly #bytes: Allowance | undefined;

  /** `before`: what held until now; a new rate does not fill what it emptied. */
  constructor(rate: Rate, now: number, before?: Pace) {
    const { framesPerSecond, frameBurst, bytesPerSecond, byteBurst, pause } = rate;
    this.rate = rate;
    this.#frames = framesPerSecond > 0 ? new Allowance(framesPerSecond, frameBurst, now) : undefined;
    this.#bytes = bytesPerSecond > 0 ? new Allowance(bytesPerSecond, byteBurst, now) : undefined;
    this.#frames?.lower(before && before.#frames, pause, now);
    this.#bytes?.lower(before && before.#bytes, pause, now);
  }

  /** A frame of that many bytes was sent. */
  sent(size: number, now: number): void {
    this.#frames?.spend(1, now);
    this.#bytes?.spend(size + MESSAGE_COST, now);
  }

  /** Milliseconds until the next frame may be sent. */
  wait(now: number): number {
    return Math.max(this.#frames?.wait(now) ?? 0, this.#bytes?.wait(now) ?? 0);
  }
}

/** What leaves by each of a peer's planes, and when the next may. */
export class Pacing {
  readonly #clock: Clock;
  readonly #by: (plane: Plane) => Session | undefined;
  readonly #paces = new WeakMap<Session, Pace>();

  /** `by`: the session of a plane now. */
  constructor(clock: Clock, by: (plane: Plane) => Session | undefined) {
    this.#clock = clock;
    this.#by = by;
  }

  /** The node of that plane says what it takes. */
  hear(plane: Plane, rate: Rate): void {
    const session = this.#by(plane);
    if (session) this.#paces.set(session, new Pace(rate, this.#clock.now(), this.#paces.get(session)));
  }

  /** Sends at once: whoever does has asked {@link wait}. */
  send(to: Key, packet: Uint8Array, plane: Plane): void {
    const session = this.#by(plane);
    if (session === undefined) return;
    const frame = encodeData(to, packet);
    session.send(frame);
    this.#paces.get(session)?.sent(frame.length, this.#clock.now());
  }

  /** Milliseconds until the next packet may leave by that plane. */
  wait(plane: Plane): number {
    const session = this.#by(plane);
    return session === undefined ? 0 : this.#paces.get(session)?.wait(this.#clock.now()) ?? 0;
  }
}
