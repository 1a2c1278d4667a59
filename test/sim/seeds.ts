/** Many seeds: which, and what they found together. */
import type { Report } from "./report.ts";
import type { RunOptions } from "./run.ts";

/**
 * `3..7`, or a count: `5` is 1 to 5.
 *
 * @throws {RangeError} for anything else.
 */
export function parseSeeds(text: string): number[] {
  const [, first = "1", last] = /^(?:(\d+)\.\.)?(\d+)$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1)) throw new RangeError(`--seeds is A..B or a count, not ${text}`);
  return Array.from({ length: count }, (_, i) => Number(first) + i);
}

/** What a run is, beside its seed. */
export type Shape = Omit<RunOptions, "seed">;

/** @throws {RangeError} for numbers that make no sense. */
export function parseShape(
  values: { nodes: string; peers?: string; minutes: string; messages: string; target?: string },
): Shape {
  const shape = {
    nodes: Number(values.nodes),
    peers: Number(values.peers ?? 200),
    minutes: Number(values.minutes),
    messages: Number(values.messages),
    ...values.target === undefined ? {} : { target: Number(values.target) },
  };
  if (
    !(shape.nodes >= 2 && shape.peers >= 3 && shape.minutes >= 1 && shape.messages >= 1 &&
      !((shape.target ?? 1) < 1))
  ) {
    throw new RangeError("at least --nodes 2 --peers 3 --minutes 1 --messages 1");
  }
  return shape;
}

export interface Summary {
  /** How many ran. */
  seeds: number;
  /** Those in which something was wrong, and those whose process died. */
  failed: number[];
  messages: number;
  faults: number;
  /** Seconds of a processor that one seed took, and real seconds of all. */
  secondsEach: number;
  seconds: number;
  text: string;
}

/** `died`: seeds whose process ended without a report. */
export function summaryOf(
  reports: readonly Report[],
  seconds: number,
  died: readonly number[] = [],
): Summary {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const wrong = reports.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  const failed = [...wrong, ...died].sort((a, b) => a - b);
  const ran = reports.length + died.length;
  const messages = sum((report) => report.messages.arrived);
  const faults = sum((report) => Object.values(report.faults).reduce((a, b) => a + b, 0));
  const secondsEach = sum((report) => report.cpuSeconds) / reports.length;
  const healed = Math.max(...reports.map((report) => report.healed ?? Infinity));
  const joins = Math.max(...reports.map(({ convergence }) => convergence.join!.p99));
  const text = [
    `${ran} seeds in ${seconds.toFixed(0)} s, ${
      secondsEach.toFixed(1)
    } s of a processor each: ${messages} messages, ${faults} faults`,
    `worst: a join known after ${joins} ms (p99 of a seed), a healed partition after ${
      Math.round(healed)
    } ms`,
    failed.length === 0 ? `all ${ran} passed` : `${ran - failed.length} passed, failed: ${failed.join(", ")}`,
  ].join("\n");
  return { seeds: ran, failed, messages, faults, secondsEach, seconds, text };
}
