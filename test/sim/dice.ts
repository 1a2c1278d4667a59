/** All randomness of a run, from its seed. */
import { seeded } from "../dice.ts";

export class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seeded(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  }

  /** A stream of its own, so that one part's throws do not shift another's. */
  fork(): Dice {
    return new Dice(Math.floor(this.#next() * 2 ** 32));
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.#next();
  }

  /** 0 … sides − 1. */
  roll(sides: number): number {
    return Math.floor(this.#next() * sides);
  }

  between(low: number, high: number): number {
    return low + this.#next() * (high - low);
  }

  chance(share: number): boolean {
    return this.#next() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)]!;
  }

  /** `count` different ones at most. */
  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    const found: T[] = [];
    while (found.length < count && left.length > 0) found.push(...left.splice(this.roll(left.length), 1));
    return found;
  }

  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 4) {
      const word = Math.floor(this.#next() * 2 ** 32);
      for (let i = 0; i < 4 && at + i < size; i++) bytes[at + i] = word >>> (8 * i);
    }
    return bytes;
  }
}
