/** Chance that depends on a seed alone, so that what it found can be found again. */
export type Dice = (sides: number) => number;

/** Whole numbers below 2^32: mulberry32, a 32-bit generator by T. Ettinger (public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Numbers from 0 to below 1. */
export function seeded(seed: number): () => number {
  const next = mulberry32(seed);
  return () => next() / 2 ** 32;
}

/** Whole numbers from 0 to below as many as are asked for. */
export function seededDice(seed: number): Dice {
  const next = mulberry32(seed);
  return (sides) => next() % sides;
}

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], dice: Dice): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = dice(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
