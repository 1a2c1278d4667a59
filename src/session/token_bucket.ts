/**
 * A token bucket: so many a second in the long run, with bursts of up to `burst`.
 * Pure: time comes with each call.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const bucket = new TokenBucket(10, 0);
 * assert(bucket.take(10, 5, 10, 0));
 * assert(!bucket.take(1, 5, 10, 100)); // half a token came back
 * assert(bucket.take(1, 5, 10, 200));
 * ```
 */
export class TokenBucket {
  #tokens: number;
  #at: number;

  constructor(burst: number, now: number) {
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes `count` tokens if they are there; `now` in milliseconds. Rates may change from call to call. */
  take(count: number, perSecond: number, burst: number, now: number): boolean {
    this.#fill(perSecond, burst, now);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Milliseconds until {@link take} of the same would succeed; at most `burst` can ever be taken. */
  wait(count: number, perSecond: number, burst: number, now: number): number {
    this.#fill(perSecond, burst, now);
    return this.#tokens >= count ? 0 : (count - this.#tokens) * 1000 / perSecond;
  }

  #fill(perSecond: number, burst: number, now: number): void {
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) * perSecond / 1000);
    this.#at = now;
  }
}
