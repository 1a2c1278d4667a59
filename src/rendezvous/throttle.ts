import { TokenBucket } from "../session/token_bucket.ts";
import type { DataRates } from "./quotas.ts";

/** What one peer has left. Pure. */
export class Throttle {
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  /** When the peer was last told that it is throttled. */
  toldAt: number = -Infinity;

  constructor(rates: DataRates, now: number) {
    this.#frames = new TokenBucket(rates.frameBurst, now);
    this.#bytes = new TokenBucket(rates.byteBurst, now);
  }

  /** Takes both, or neither: 0, or the milliseconds after which there is room. More than a burst passes when that is full. */
  take(frames: number, bytes: number, rates: DataRates, now: number): number {
    const { framesPerSecond, frameBurst, bytesPerSecond, byteBurst } = rates;
    const bounded = { frames: framesPerSecond < Infinity, bytes: bytesPerSecond < Infinity };
    const [few, little] = [Math.min(frames, frameBurst), Math.min(bytes, byteBurst)];
    const wait = Math.max(
      bounded.frames ? this.#frames.wait(few, framesPerSecond, frameBurst, now) : 0,
      bounded.bytes ? this.#bytes.wait(little, bytesPerSecond, byteBurst, now) : 0,
    );
    if (wait > 0) return wait;
    if (bounded.frames) this.#frames.take(few, framesPerSecond, frameBurst, now);
    if (bounded.bytes) this.#bytes.take(little, bytesPerSecond, byteBurst, now);
    return 0;
  }
}
