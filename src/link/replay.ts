/**
 * Which counters were seen: a sliding bitmap in the manner of RFC 6479. Packets of two
 * paths interleave, so a late packet is welcome, once.
 *
 * @module
 */

/**
 * Counters behind the highest that are still told apart. Derivation: a relay 200 ms
 * slower than a direct path that carries 40,000 packets a second (what one core
 * forwards) is 8,000 packets late. 1 KiB of memory for each epoch.
 */
export const REPLAY_WINDOW = 8_192;
const BITS = 32;
/** One word more than the window has: the highest counter may stand anywhere in its word. */
const WORDS: number = REPLAY_WINDOW / BITS + 1;

/**
 * Ask {@link ReplayWindow.check} before decrypting (it is cheap) and call
 * {@link ReplayWindow.accept} only after the tag was right: otherwise a forged counter
 * would push the window past everything true.
 */
export class ReplayWindow {
  readonly #seen: Uint32Array = new Uint32Array(WORDS);
  #highest = -1;

  /** True for a counter that is neither seen nor older than the window. */
  check(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (counter <= this.#highest - REPLAY_WINDOW) return false;
    return (this.#seen[wordOf(counter)]! & bitOf(counter)) === 0;
  }

  /** Marks a counter as seen. One older than the window changes nothing. */
  accept(counter: number): void {
    if (counter <= this.#highest - REPLAY_WINDOW) return;
    if (counter > this.#highest) this.#advance(counter);
    this.#seen[wordOf(counter)]! |= bitOf(counter);
  }

  /** Clears the words that the window moves into. */
  #advance(counter: number): void {
    const from = Math.floor(this.#highest / BITS);
    const steps = Math.min(Math.floor(counter / BITS) - from, WORDS);
    for (let step = 1; step <= steps; step++) this.#seen[(from + step + WORDS) % WORDS] = 0;
    this.#highest = counter;
  }
}

function wordOf(counter: number): number {
  return Math.floor(counter / BITS) % WORDS;
}

function bitOf(counter: number): number {
  return 1 << (counter % BITS);
}
