// deadline: 4200 s
// cores: 0.5
// Two processes compute all the while, but in virtual time: what others leave is enough.
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { FAULTS } from "./faults.ts";
import { LIES } from "./hostile.ts";
import type { Report } from "./report.ts";
import { parseSeeds, type Shape } from "./seeds.ts";
import { work } from "./workers.ts";

/** How many seeds: `.ci/run` wants a hundred; a thousand take forty minutes. */
const SEEDS = Number(process.env.WAYMEET_SEEDS ?? 12);
/** Milliseconds after which no further seed begins: a slow machine runs fewer, and says how many. */
const LIMIT = 3_000_000;
const SHORT = { nodes: 12, peers: 200, minutes: 1, messages: 1_000 };
/** Records are renewed in it, and talks go on. */
const LONG = { nodes: 12, peers: 200, minutes: 5, messages: 10_000 };

/** What nodes answer the liar with, each in some seed. */
const REFUSALS = [
  "bad-signature",
  "wrong-node",
  "future",
  "future-epoch",
  "bad-edges",
  "stranger",
  "wrong-token",
];

async function seedsOf(limit: number, shape: Shape, seeds: number[]): Promise<Report[]> {
  const reports: Report[] = [];
  const wrong: string[] = [];
  await work({
    seeds,
    shape,
    workers: 2,
    limit,
    done: (outcome) => {
      if ("died" in outcome) {
        return void wrong.push(`the process of seed ${outcome.seed} died: ${outcome.died}`);
      }
      reports.push(outcome.report);
      wrong.push(...outcome.report.violations.map((text) => `seed ${outcome.seed}: ${text}`));
    },
  });
  assert.deepEqual(wrong, []);
  return reports;
}

function healthy(reports: readonly Report[], shape: typeof SHORT): void {
  for (const { seed, messages, virtualMinutes, healed } of reports) {
    assert(messages.arrived >= shape.messages && virtualMinutes >= shape.minutes, `seed ${seed}`);
    assert(healed! <= 5_000, `seed ${seed}`);
  }
}

const kinds = (counts: Record<string, number>[]) => new Set(counts.flatMap((count) => Object.keys(count)));

describe("seeds of 12 nodes and 200 peers", () => {
  it("lose, double and reorder nothing, agree after a partition, and believe no lie", async (test) => {
    const reports = await seedsOf(LIMIT, SHORT, parseSeeds(String(SEEDS)));
    test.diagnostic(`${reports.length} of ${SEEDS} seeds ran`);
    assert(reports.length >= Math.min(SEEDS, 12));
    healthy(reports, SHORT);
    assert.deepEqual([...kinds(reports.map(({ lies }) => lies))].sort(), [...LIES].sort());
    assert.deepEqual([...kinds(reports.map(({ faults }) => faults))].sort(), [...FAULTS].sort());
    const refused = kinds(reports.map(({ refusals }) => refusals));
    for (const why of REFUSALS) assert(refused.has(why), why);
  });

  it("do so for five minutes and ten thousand messages, too", async () => {
    healthy(await seedsOf(LIMIT, LONG, [1, 2]), LONG);
  });
});

describe("a mesh in which nodes keep sessions with a few of the others", () => {
  it("becomes one of all", async () => {
    const shape = { nodes: 24, peers: 24, minutes: 1, messages: 100, target: 6 };
    const [report] = await seedsOf(LIMIT, shape, [1]);
    assert(report!.healed! <= 5_000 && report!.mostHops > 1);
  });
});
