/**
 * `npm run chaos -- --seconds S [--faults all|LIST] [--seed N] [--fabric gossip|nats] [--json]`: five nodes and twenty peers as real
 * processes on three runtimes, talking all the time, while one node after the other is
 * killed with -9, frozen, or cut off by packets that vanish; with `--faults` also connections that break in other
 * ways, clocks that jump, and machines without disk, memory or descriptors. Exits with 0 only if nothing
 * was lost, doubled or reordered.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Crowd, type Sums } from "./crowd.ts";
import { seededDice } from "../dice.ts";
import { type Overload, overload } from "./overload.ts";
import { ALL_FAULTS, type Fault, FAULTS, NATS_FAULTS, OVERLOAD } from "./fault_kinds.ts";
import { type Outcome, storm } from "./faults.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    fabric: { type: "string", default: "gossip" },
    faults: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const fabric = values.fabric === "nats" ? "nats" : "gossip";
const known: readonly Fault[] = [...ALL_FAULTS, ...fabric === "nats" ? NATS_FAULTS : []];
const usual: readonly Fault[] = [...FAULTS, ...fabric === "nats" ? NATS_FAULTS : []];
const named: readonly string[] = values.faults === "all"
  ? [...known, OVERLOAD]
  : values.faults?.split(",") ?? usual;
const faults = named.filter((fault) => fault !== OVERLOAD) as Fault[];
const understood = fabric === values.fabric && faults.every((fault) => known.includes(fault));
if (!(seconds > 0) || !Number.isInteger(seed) || !understood) {
  console.error(
    "npm run chaos -- --seconds S [--faults all|LIST] [--seed N] [--fabric gossip|nats] [--json]:",
  );
  console.error(`S > 0, N a whole number, LIST of ${[...known, OVERLOAD].join(", ")}`);
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** Milliseconds to go on, of the ways that used the faulty nodes. */
interface Figures {
  samples: number;
  p50: number;
  p99: number;
  max: number;
  /** p99 of the ways that did not use them, at the same time: what this machine takes anyway. */
  othersP99: number;
  /** The longest time without an arrival on any way, until all was whole again. */
  gap: number;
}

function figures(outcomes: Outcome[]): Figures {
  const times = sorted(outcomes.flatMap(({ resumed }) => resumed));
  const others = sorted(outcomes.flatMap((outcome) => outcome.others));
  return {
    samples: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: quantile(times, 1),
    othersP99: quantile(others, 0.99),
    gap: Math.round(Math.max(0, ...outcomes.map(({ gap }) => gap))),
  };
}

function sorted(numbers: number[]): number[] {
  return numbers.sort((a, b) => a - b);
}

function quantile(sorted: number[], q: number): number {
  return Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0);
}

function say(text: string): void {
  if (!values.json) console.log(text);
}

function print(how: string, sums: Sums, byFault: Record<Fault, Figures>, failures: string[]): void {
  if (values.json) {
    console.log(JSON.stringify({ seconds, seed, fabric, network: how, ...sums, resume: byFault, failures }));
    return;
  }
  for (const [fault, { samples, p50, p99, max, othersP99, gap }] of Object.entries(byFault)) {
    const times = `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (ways not hit: p99 ${othersP99} ms)`;
    console.log(`${fault.padEnd(11)}  ${samples} times to resume: ${times}; longest gap ${gap} ms`);
  }
  const { sent, received, lost, duplicated, reordered } = sums;
  console.log(
    `${sent} sent, ${received} received, ${lost} lost, ${duplicated} duplicated, ${reordered} reordered`,
  );
  for (const failure of failures) console.log(failure);
}

/** Ten times of what a node can carry is offered to it, on each runtime. */
async function flood(): Promise<boolean> {
  const results: Overload[] = [];
  for (const runtime of ["bun", "deno", "node"] as const) {
    const result = await overload(runtime, 10, 5);
    results.push(result);
    const { peak, offered, goodput, calm, loaded, failures } = result;
    const [best, much, through] = [peak, offered, goodput].map(Math.round);
    const words = `links: p99 ${calm.p99} ms before, ${loaded.p99} ms meanwhile`;
    say(`overload (${runtime}): best ${best} frames/s, offered ${much}, through ${through}; ${words}`);
    for (const failure of failures) say(failure);
  }
  if (values.json) console.log(JSON.stringify({ overload: results }));
  return results.every(({ failures }) => failures.length === 0);
}

async function play(): Promise<boolean> {
  const dice = seededDice(seed);
  const crowd = await Crowd.gather({ dice, fabric, faults });
  say(`seed ${seed}; ${crowd.network.how}`);
  const outcomes: Outcome[] = [];
  for await (const outcome of storm(crowd, dice, performance.now() + seconds * 1_000, faults)) {
    outcomes.push(outcome);
    const { samples, p50, max, othersP99, gap } = figures([outcome]);
    const node = outcome.fault.startsWith("nats-")
      ? `server ${outcome.node}`
      : `node ${outcome.node} (${crowd.runtime(outcome.node)})`;
    say(
      `${outcome.fault} ${node}: ${samples} ways went on, p50 ${p50} ms, max ${max} ms (not hit: ${othersP99} ms); gap ${gap} ms`,
    );
  }
  const sums = await crowd.count();
  const { failures } = crowd;
  const of = (kind: Fault) => figures(outcomes.filter(({ fault }) => fault === kind));
  const byFault = Object.fromEntries(faults.map((kind) => [kind, of(kind)])) as Record<Fault, Figures>;
  print(crowd.network.how, sums, byFault, failures);
  await crowd.close();
  const { sent, received, lost, duplicated, reordered } = sums;
  return failures.length === 0 && sent > 0 && sent === received && lost + duplicated + reordered === 0;
}

try {
  const well = faults.length === 0 || await play();
  const carried = !named.includes(OVERLOAD) || await flood();
  process.exit(well && carried ? 0 : 1);
} catch (error) {
  console.error(error);
  process.exit(1);
}
