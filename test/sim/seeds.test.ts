import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cost, exponent } from "./cost.ts";
import { run } from "./run.ts";
import { parseSeeds, parseShape, summaryOf } from "./seeds.ts";

describe("many seeds", () => {
  it("are a range or a count, and nothing else", () => {
    assert.deepEqual(parseSeeds("3..5"), [3, 4, 5]);
    assert.deepEqual(parseSeeds("2"), [1, 2]);
    for (const wrong of ["", "5..3", "a", "0", "-1", "1..", "1.5"]) {
      assert.throws(() => parseSeeds(wrong), RangeError, wrong);
    }
    assert.throws(() => parseShape({ nodes: "1", minutes: "5", messages: "10" }), RangeError);
  });

  it("sum up to which of them failed", async () => {
    const report = await run({ seed: 3, nodes: 3, peers: 4, minutes: 1, messages: 20 });
    const failed = { ...report, seed: 9, violations: ["something"] };
    const summary = summaryOf([report, failed], 2);
    assert.deepEqual([summary.seeds, summary.failed], [2, [9]]);
    assert.match(summary.text, /failed: 9/);
  });
});

describe("what a change of presence costs", () => {
  it("is one frame for each node that has to learn of it, in a mesh where not every pair has a session", async () => {
    const { framesPerChange, violations, join } = await cost({ seed: 1, nodes: 12, peers: 24 });
    assert.deepEqual(violations, []);
    assert(framesPerChange > 9 && framesPerChange < 13, `${framesPerChange} frames for 11 nodes`);
    assert(join.count === 24 && join.p99 < 5_000);
  });

  it("has an exponent that a power law gives back", () => {
    const points = [4, 8, 16].map((nodes) => ({ nodes, framesPerChange: 3 * (nodes - 1) ** 1.5 }));
    assert(Math.abs(exponent(points) - 1.5) < 1e-9);
  });
});
