/** What many runs say together. None of it assumes a shape of the noise. */

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which that share of the values lies, between two of them in proportion.
 *
 * @throws {RangeError} when there are no values, or the share is not within 0…1.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("no values have no quantile: measure at least one round");
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share lies within 0 and 1, ${share} does not`);
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place - Math.floor(place));
}

/** Median, and the two quartiles around it. */
export interface Summary {
  median: number;
  low: number;
  high: number;
}

export function summary(values: readonly number[]): Summary {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/**
 * Measures A, B, A, B, …: what disturbs the machine for a while disturbs all of them. The
 * first round warms up and is not counted. Who begins a round changes, since the first of a
 * round inherits what the last of the round before left behind.
 */
export async function takeTurns<Subject, Sample>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject) => Promise<Sample>,
): Promise<Map<Subject, Sample[]>> {
  const samples = new Map(subjects.map((subject) => [subject, [] as Sample[]]));
  for (let round = 0; round <= rounds; round++) {
    for (let place = 0; place < subjects.length; place++) {
      const subject = subjects[(round + place) % subjects.length]!;
      const sample = await measure(subject);
      if (round > 0) samples.get(subject)!.push(sample);
    }
  }
  return samples;
}

/** The exponent of the power law that fits best (least squares of the logarithms): y grows as x to that power. */
export function powerLaw(points: readonly (readonly [x: number, y: number])[]): number {
  if (points.length < 2) throw new RangeError("a growth shows between two sizes at least");
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return covariance / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
