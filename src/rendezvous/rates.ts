/**
 * How much each peer may send: two token buckets, for data frames and for their bytes. Who goes beyond
 * loses the frame, and is told how to go on without losing any.
 *
 * @module
 */
import type { Clock } from "../session/clock.ts";
import { encodeRate } from "../wire/frames.ts";
import type { Rate } from "../wire/protocol.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeLimits } from "./node_limits.ts";
import { type DataRates, ratesOf } from "./quotas.ts";
import type { Seat } from "./registry.ts";
import { Throttle } from "./throttle.ts";

/** What a message costs besides its bytes, as bytes: many small ones are not free (protocol rule 14). */
export const MESSAGE_COST = 64;
/** Milliseconds between two frames that tell one peer it is throttled: each answers bytes of its own. */
const TELL_AGAIN = 1_000;
/** Longest pause that is told, milliseconds: an operator may raise the rate at any time, and tells it then. */
const LONGEST_PAUSE = 60_000;

/** Holds the peers of a node to their rates. */
export class Rates {
  readonly #limits: NodeLimits;
  readonly #clock: Clock;
  readonly #metrics: NodeMetrics;

  constructor(limits: NodeLimits, clock: Clock, metrics: NodeMetrics) {
    this.#limits = limits;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Whether this peer may send so much now; if not, it is told. */
  allow(seat: Seat, frames: number, size: number): boolean {
    const limits = this.#limits;
    const unbounded = limits.framesPerSecond === Infinity && limits.bytesPerSecond === Infinity;
    return unbounded && seat.quotas === undefined || this.#take(seat, frames, size);
  }

  /** Tells a peer what holds for it: after its welcome only if something is bounded, later whatever it is. */
  tell(seat: Seat, newcomer: boolean): void {
    const rates = ratesOf(this.#limits, seat.quotas);
    if (newcomer && rates.framesPerSecond === Infinity && rates.bytesPerSecond === Infinity) return;
    seat.session.send(encodeRate(onWire(rates, 0)));
  }

  #take(seat: Seat, frames: number, size: number): boolean {
    const now = this.#clock.now();
    const rates = ratesOf(this.#limits, seat.quotas);
    const throttle = seat.sending ??= new Throttle(rates, now);
    const wait = throttle.take(frames, size + MESSAGE_COST, rates, now);
    if (wait > 0 && now - throttle.toldAt >= TELL_AGAIN) {
      throttle.toldAt = now;
      this.#metrics.throttle(seat.key);
      if (seat.session.buffered <= this.#limits.queue) seat.session.send(encodeRate(onWire(rates, wait)));
    }
    return wait === 0;
  }
}

function onWire(rates: DataRates, wait: number): Omit<Rate, "kind"> {
  const { framesPerSecond, frameBurst, bytesPerSecond, byteBurst } = rates;
  const [frames, frameRoom] = bucketOnWire(framesPerSecond, frameBurst);
  const [bytes, byteRoom] = bucketOnWire(bytesPerSecond, byteBurst);
  const pause = Math.ceil(Math.min(wait, LONGEST_PAUSE));
  return {
    framesPerSecond: frames,
    frameBurst: frameRoom,
    bytesPerSecond: bytes,
    byteBurst: byteRoom,
    pause,
  };
}

/** Whole numbers; less than one a second is told as one, since 0 is no bound. */
function bucketOnWire(perSecond: number, burst: number): [number, number] {
  if (perSecond === Infinity) return [0, 0];
  return [Math.max(1, Math.floor(perSecond)), Math.floor(Math.min(burst, Number.MAX_SAFE_INTEGER))];
}
