import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seededDice } from "../dice.ts";
import { type Point, theilSen, verdict } from "./slope.ts";

const grows = (points: Point[], least?: number) => verdict(points, least) === "GROWS";

describe("the slope of a soak", () => {
  it("is that of a line, whatever a few samples say", () => {
    const line = fc.record({
      rise: fc.integer({ min: -50, max: 50 }),
      odd: fc.array(fc.nat(39), { maxLength: 4 }),
    });
    fc.assert(fc.property(line, ({ rise, odd }) => {
      const points = Array.from({ length: 40 }, (_, at) => ({ at, value: 1_000 + rise * at }));
      for (const at of odd) points[at]!.value += 100_000;
      const { slope, low, high } = theilSen(points);
      assert.ok(Math.abs(slope - rise) < 1e-9);
      assert.ok(low <= slope && slope <= high);
    }));
  });

  it("of noise is compatible with none, nearly always, and of a leak below that noise is seen", () => {
    const noisy = (leak: number, seed: number) => {
      const dice = seededDice(seed);
      return Array.from({ length: 30 }, (_, at) => ({ at, value: leak * at + dice(100) }));
    };
    const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);
    const above = seeds.filter((seed) => theilSen(noisy(0, seed)).low > 0);
    assert.ok(above.length <= 12, "2.5 % are to be expected");
    assert.ok(seeds.filter((seed) => grows(noisy(0, seed))).length <= 2, "0.2 % are to be expected");
    assert.ok(seeds.every((seed) => grows(noisy(4, seed))));
  });

  it("is no growth if it is below what matters, however sure it is", () => {
    const slow = Array.from({ length: 12 }, (_, at) => ({ at, value: 100_000 + 4 * at }));
    assert.ok(grows(slow));
    assert.ok(grows(slow, 3));
    assert.ok(!grows(slow, 5));
  });

  it("says nothing of samples between which nobody lived", () => {
    const still = Array.from({ length: 12 }, (_, i) => ({ at: Math.floor(i / 4), value: i }));
    assert.ok(Number.isFinite(theilSen(still).slope));
  });

  it("of too few samples says nothing", () => {
    assert.deepEqual(
      theilSen([{ at: 0, value: 1 }, { at: 1, value: 2 }, { at: 2, value: 3 }]).low,
      -Infinity,
    );
    assert.deepEqual(theilSen([{ at: 0, value: 1 }]).high, Infinity);
    const rising = Array.from({ length: 8 }, (_, at) => ({ at, value: at }));
    assert.equal(verdict(rising.slice(0, 4)), "too few samples to tell");
    assert.equal(verdict(rising), "GROWS");
    assert.equal(verdict(rising.map(({ at }) => ({ at, value: 1 }))), "not seen to grow");
  });
});
