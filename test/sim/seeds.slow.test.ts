// deadline: 420 s
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIES } from "./hostile.ts";
import type { Report } from "./report.ts";
import { work } from "./workers.ts";

/** Milliseconds in which seeds begin. */
const LIMIT = 40_000;
const SHAPE = { nodes: 12, peers: 200, minutes: 5, messages: 10_000 };

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

async function seedsOf(limit: number, shape: typeof SHAPE, seeds: number[]): Promise<Report[]> {
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

describe("seeds of 12 nodes and 200 peers", () => {
  it("lose, double and reorder nothing, agree after a partition, and believe no lie", async () => {
    const reports = await seedsOf(LIMIT, SHAPE, Array.from({ length: 50 }, (_, i) => i + 1));
    assert(reports.length >= 2);
    for (const { messages, virtualMinutes, lies, faults, healed } of reports) {
      assert(messages.arrived >= SHAPE.messages && virtualMinutes >= SHAPE.minutes && healed! <= 5_000);
      assert.deepEqual(Object.keys(lies).sort(), [...LIES].sort());
      assert(Object.keys(faults).length >= 10);
    }
    const refused = new Set(reports.flatMap(({ refusals }) => Object.keys(refusals)));
    for (const why of REFUSALS) assert(refused.has(why), why);
  });
});

describe("a mesh in which nodes keep sessions with a few of the others", () => {
  it("becomes one of all", async () => {
    const shape = { nodes: 24, peers: 24, minutes: 1.5, messages: 100, target: 6 };
    const [report] = await seedsOf(1_000, shape, [1]);
    assert(report!.healed! <= 5_000 && report!.mostHops > 1);
  });
});
