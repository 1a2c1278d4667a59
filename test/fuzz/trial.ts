/** One input in a world: what came of it, what it cost, and what it broke. */
import type { Input } from "./mutation.ts";
import { type Target, Violation, type World } from "./target.ts";

/** Milliseconds of CPU that one part may take on any machine that runs this. */
const SLOW = 5;
/** How often what seemed slow is measured again: garbage, compilation and neighbours rarely come every time. */
const REPEATS = 7;

export interface Finding {
  kind: "throw" | "rejection" | "violation" | "slow";
  what: string;
}
export interface Outcome {
  /** In the order of the parts. */
  words: string[];
  /** Milliseconds of the slowest part. */
  slowest: number;
  finding: Finding | undefined;
}

/** Rejections that nobody handled, since the last look. */
const rejections: unknown[] = [];
process.on("unhandledRejection", (error) => void rejections.push(error));
process.on("uncaughtException", (error) => void rejections.push(error));

/** Feeds the input; what is thrown is a finding. */
export async function trial(world: World, input: Input): Promise<Outcome> {
  const words: string[] = [];
  let slowest = 0;
  try {
    for (const raw of input) {
      const part = await world.prepare?.(raw) ?? raw;
      const before = process.cpuUsage();
      const word = world.feed(part);
      words.push(typeof word === "string" ? word : await word);
      const { user, system } = process.cpuUsage(before);
      if (part.length > 0) slowest = Math.max(slowest, (user + system) / 1_000); // time that passes is no input
    }
    await world.check?.();
  } catch (error) {
    return { words, slowest, finding: findingOf(error) };
  }
  const rejected = rejections.splice(0);
  const finding: Finding | undefined = rejected.length > 0
    ? { kind: "rejection", what: textOf(rejected[0]) }
    : undefined;
  return { words, slowest, finding };
}

/** As {@link trial}, in a world of its own; over and over as long as it seems slow. */
export async function judged(target: Target, input: Input): Promise<Outcome> {
  const slow = target.slow ?? SLOW;
  let least: Outcome | undefined;
  for (let times = 0; times < REPEATS; times++) {
    const world = await target.begin();
    let outcome = await trial(world, input);
    outcome = { ...outcome, finding: outcome.finding ?? await endOf(world) };
    if (least === undefined || outcome.slowest < least.slowest) least = outcome;
    if (outcome.finding !== undefined || outcome.slowest <= slow) return outcome;
  }
  const what = `${least!.slowest.toFixed(1)} ms of CPU for one part`;
  return { ...least!, finding: { kind: "slow", what } };
}

export function seemsSlow(target: Target, { slowest }: Outcome): boolean {
  return slowest > (target.slow ?? SLOW);
}

/** Ends a world; what it did not give back is a finding. */
export async function endOf(world: World): Promise<Finding | undefined> {
  try {
    await world.end?.();
  } catch (error) {
    return findingOf(error);
  }
  return undefined;
}

function findingOf(error: unknown): Finding {
  return { kind: error instanceof Violation ? "violation" : "throw", what: textOf(error) };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Violation ? error.message : `${error.stack}`.split("\n").slice(0, 6).join("\n");
}
