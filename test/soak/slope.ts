/**
 * A slope and how sure it is: the Theil–Sen estimator with Kendall's interval (Sen 1968, "Estimates of the
 * regression coefficient based on Kendall's tau"). A few odd samples, as a collection at the wrong moment, move
 * it little, and nothing is assumed of how they are distributed.
 *
 * @module
 */

export interface Point {
  /** Minutes. */
  at: number;
  value: number;
}

export interface Slope {
  /** A minute. */
  slope: number;
  /** The interval that holds the true slope in 95 of 100 cases. */
  low: number;
  high: number;
  /** The median of the values. */
  level: number;
}

/** Of the standard normal distribution: 2.5 % lie above. */
const Z = 1.96;
/**
 * 0.2 % lie above. A run judges some fifteen series, and says of each that it grows if it is this sure: with 1.96
 * one run in three would say so of one that does not, with this one in thirty.
 */
const SURE = 2.88;

/** Whether the values grow, as far as anything can be said of one series among fifteen. */
export function grows(points: readonly Point[]): boolean {
  return theilSen(points, SURE).low > 0;
}

/** `z`: of the interval, in standard deviations of Kendall's tau. */
export function theilSen(points: readonly Point[], z: number = Z): Slope {
  const slopes: number[] = [];
  points.forEach((b, j) => {
    for (const a of points.slice(0, j)) slopes.push((b.value - a.value) / (b.at - a.at));
  });
  const level = median(points.map(({ value }) => value));
  if (slopes.length === 0) return { slope: 0, low: -Infinity, high: Infinity, level };
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const half = z * Math.sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  const at = (rank: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))]!;
  const middle = (slopes.length - 1) / 2;
  const few = half > middle; // so few points say nothing
  return {
    slope: median(slopes),
    low: few ? -Infinity : at(middle - half),
    high: few ? Infinity : at(middle + half),
    level,
  };
}

/** The least of each block: what a process holds when nothing is under way. Neighbours are less alike, too. */
export function floors(points: readonly Point[], block: number): Point[] {
  const blocks: Point[][] = [];
  points.forEach((point, i) => i % block === 0 ? blocks.push([point]) : blocks.at(-1)!.push(point));
  return blocks.filter(({ length }) => length === block).map((some) => ({
    at: median(some.map(({ at }) => at)),
    value: Math.min(...some.map(({ value }) => value)),
  }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0 ? NaN : (sorted[Math.floor(middle - 0.5)]! + sorted[Math.floor(middle)]!) / 2;
}
