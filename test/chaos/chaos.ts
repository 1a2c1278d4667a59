/**
 * `npm run chaos -- --seconds S [--seed N] [--fabric gossip|nats] [--json]`: five nodes and twenty peers as real
 * processes on three runtimes, talking all the time, while one node after the other is
 * killed with -9, frozen, or cut off by packets that vanish. Exits with 0 only if nothing
 * was lost, doubled or reordered.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Crowd, type Sums } from "./crowd.ts";
import { seededDice } from "../dice.ts";
import { type Fault, FAULTS, NATS_FAULTS, type Outcome, storm } from "./faults.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    fabric: { type: "string", default: "gossip" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const fabric = values.fabric === "nats" ? "nats" : "gossip";
if (!(seconds > 0) || !Number.isInteger(seed) || fabric !== values.fabric) {
  console.error(
    "npm run chaos -- --seconds S [--seed N] [--fabric gossip|nats] [--json]: S > 0, N a whole number",
  );
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
    gap: Math.max(0, ...outcomes.map(({ gap }) => gap)),
  };
}

function sorted(numbers: number[]): number[] {
  return numbers.sort((a, b) => a - b);
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
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

async function play(): Promise<boolean> {
  const dice = seededDice(seed);
  const crowd = await Crowd.gather({ dice, fabric });
  say(`seed ${seed}; ${crowd.network.how}`);
  const outcomes: Outcome[] = [];
  for await (const outcome of storm(crowd, dice, performance.now() + seconds * 1_000)) {
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
  const kinds = [...FAULTS, ...fabric === "nats" ? NATS_FAULTS : []];
  const byFault = Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<Fault, Figures>;
  print(crowd.network.how, sums, byFault, failures);
  await crowd.close();
  const { sent, received, lost, duplicated, reordered } = sums;
  return failures.length === 0 && sent > 0 && sent === received && lost + duplicated + reordered === 0;
}

try {
  process.exit(await play() ? 0 : 1);
} catch (error) {
  console.error(error);
  process.exit(1);
}
