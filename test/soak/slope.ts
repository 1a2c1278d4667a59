/**
 * A slope and how sure it is: the Theil–Sen estimator with Kendall's interval (Sen 1968, "Estimates of the
 * regression coefficient based on Kendall's tau"). A few odd samples, as a collection at the wrong moment, move
 * it little, and nothing is assumed of how they are distributed.
 *
 * @module
 */

export interface Point {
  /** Thousands of lives. */
  at: number;
  value: number;
}

export interface Slope {
  /** In a thousand lives. */
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
 * 0.2 % lie above. A run judges some twenty series, and says of each that it grows if it is this sure: with 1.96
 * one run in two would say so of one that does not, with this one in twenty-five.
 */
const SURE = 2.88;

export type Verdict = "GROWS" | "not seen to grow" | "too few samples to tell";

/** Whether the values grow, and by more than `least`, as far as anything can be said of one series among twenty. */
export function verdict(points: readonly Point[], least: number = 0): Verdict {
  const { low } = theilSen(points, SURE);
  if (low === -Infinity) return "too few samples to tell";
  return low > least ? "GROWS" : "not seen to grow";
}

/** `z`: of the interval, in standard deviations of Kendall's tau. */
export function theilSen(points: readonly Point[], z: number = Z): Slope {
  const slopes: number[] = [];
  points.forEach((b, j) => {
    for (const a of points.slice(0, j)) if (a.at < b.at) slopes.push((b.value - a.value) / (b.at - a.at));
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0 ? NaN : (sorted[Math.floor(middle - 0.5)]! + sorted[Math.floor(middle)]!) / 2;
}
