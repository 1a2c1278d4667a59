import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { median, powerLaw, quantile, summary, takeTurns } from "./statistics.ts";

describe("statistics of a benchmark", () => {
  it("take the middle value, or the mean of the two in the middle", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
  });
  it("do not change the list they are told", () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });
  it("take a quantile between two values in proportion", () => {
    const values = Array.from({ length: 101 }, (_, index) => index);
    assert.equal(quantile(values, 0.99), 99);
    assert.equal(quantile([0, 10], 0.25), 2.5);
    assert.deepEqual(summary(values), { median: 50, low: 25, high: 75 });
  });
  it("refuse what has no answer", () => {
    assert.throws(() => median([]), RangeError);
    assert.throws(() => quantile([1], 1.5), RangeError);
  });
  it("let the subjects take turns, each beginning a round in its turn, and do not count the first round", async () => {
    const order: string[] = [];
    const samples = await takeTurns(["a", "b", "c"], 2, (subject) => {
      order.push(subject);
      return Promise.resolve(order.length);
    });
    assert.deepEqual(order.join(""), "abc" + "bca" + "cab");
    assert.deepEqual([...samples], [["a", [6, 8]], ["b", [4, 9]], ["c", [5, 7]]]);
  });
});

describe("a power law", () => {
  it("is found again, whatever its factor and exponent", () => {
    const sizes = [1, 10, 250, 4_000];
    fc.assert(
      fc.property(
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (exponent, factor) => {
          const found = powerLaw(sizes.map((x) => [x, factor * x ** exponent] as const));
          assert(Math.abs(found - exponent) < 1e-9);
        },
      ),
    );
  });
});
