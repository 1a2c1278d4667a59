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

/** What stands for no bound, a second or at once: more than any peer sends. */
const UNBOUNDED = 1e15;

/** One of the two buckets: it may be overdrawn by one packet, which is waited for afterwards. Pure. */
class Allowance {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  /** Has not more than `before` has, nor more than comes back after `pause` milliseconds. */
  constructor(perSecond: number, burst: number, pause: number, now: number, before?: Allowance) {
    this.#perMs = (perSecond || UNBOUNDED) * USED / 1_000;
    this.#burst = (perSecond ? burst : UNBOUNDED) * BURST_USED;
    const owed = pause > 0 ? -this.#perMs * pause : this.#burst;
    this.#left = perSecond ? Math.min(owed, before?.left(now) ?? owed) : UNBOUNDED;
    this.#at = now;
  }

  left(now: number): number {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#left;
  }

  spend(count: number): void {
    this.#left -= count;
  }

  /** Whole milliseconds until something may be sent: less is no time for a timer. */
  wait(now: number): number {
    const left = this.left(now);
    return left > 0 ? 0 : Math.ceil((1 - left) / this.#perMs);
  }
}

/** What one node takes. Pure. */
export class Pace {
  readonly #frames: Allowance;
  readonly #bytes: Allowance;

  /** `before`: what held until now; a new rate does not fill what it emptied. */
  constructor(rate: Rate, now: number, before?: Pace) {
    const { framesPerSecond, frameBurst, bytesPerSecond, byteBurst, pause } = rate;
    this.#frames = new Allowance(framesPerSecond, frameBurst, pause, now, before && before.#frames);
    this.#bytes = new Allowance(bytesPerSecond, byteBurst, pause, now, before && before.#bytes);
  }

  /** A frame of that many bytes was sent, after {@link wait} allowed it. */
  sent(size: number): void {
    this.#frames.spend(1);
    this.#bytes.spend(size + MESSAGE_COST);
  }

  /** Milliseconds until the next frame may be sent. */
  wait(now: number): number {
    return Math.max(this.#frames.wait(now), this.#bytes.wait(now));
  }
}

/** What leaves by each of a peer's planes, and when the next may. */
export class Pacing {
  readonly #clock: Clock;
  readonly #by: (plane: Plane) => Session | undefined;
  readonly #unmoored: { take(to: Key, packet: Uint8Array): void } | undefined;
  readonly #paces = new WeakMap<Session, Pace>();

  /** `by`: the session of a plane now; `unmoored`: takes what finds none. */
  constructor(
    clock: Clock,
    by: (plane: Plane) => Session | undefined,
    unmoored?: { take(to: Key, packet: Uint8Array): void },
  ) {
    this.#clock = clock;
    this.#by = by;
    this.#unmoored = unmoored;
  }

  /** The node of that plane says what it takes. */
  hear(plane: Plane, rate: Rate): void {
    const session = this.#by(plane);
    if (session) this.#paces.set(session, new Pace(rate, this.#clock.now(), this.#paces.get(session)));
  }

  /** Sends at once: whoever does has asked {@link wait}. */
  send(to: Key, packet: Uint8Array, plane: Plane): void {
    const session = this.#by(plane);
    if (session === undefined) return this.#unmoored?.take(to, packet);
    const frame = encodeData(to, packet);
    session.send(frame);
    this.#paces.get(session)?.sent(frame.length);
  }

  /** Milliseconds until the next packet may leave by that plane. */
  wait(plane: Plane): number {
    const session = this.#by(plane);
    return session === undefined ? 0 : this.#paces.get(session)?.wait(this.#clock.now()) ?? 0;
  }
}
