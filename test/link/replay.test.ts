import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { REPLAY_WINDOW, ReplayWindow } from "../../src/link/replay.ts";

function take(window: ReplayWindow, counter: number): boolean {
  const fresh = window.check(counter);
  if (fresh) window.accept(counter);
  return fresh;
}

describe("the replay window", () => {
  it("takes each counter once, in any order within the window", () => {
    const start = fc.oneof(fc.constant(0), fc.maxSafeNat().map((n) => Math.min(n, 2 ** 53 - 10_000)));
    const offsets = fc.array(fc.nat({ max: REPLAY_WINDOW - 1 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(start, offsets, (from, order) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        for (const offset of order) {
          assert.equal(take(window, from + offset), !seen.has(offset));
          seen.add(offset);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is the same as a set with a lower bound, whatever the steps", () => {
    const steps = fc.array(
      fc.oneof(fc.integer({ min: -9_000, max: 9_000 }), fc.integer({ min: -40, max: 40 })),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(steps, (moves) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let highest = -1;
        let at = 0;
        for (const move of moves) {
          at = Math.max(0, at + move);
          const expected = at > highest - REPLAY_WINDOW && !seen.has(at);
          assert.equal(take(window, at), expected);
          if (expected) seen.add(at);
          highest = Math.max(highest, at);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is 8,192 wide: one more is too old", () => {
    const window = new ReplayWindow();
    take(window, 100_000);
    assert.equal(window.check(100_000 - REPLAY_WINDOW), false);
    assert.equal(window.check(100_001 - REPLAY_WINDOW), true);
  });

  it("remembers its oldest counters when the highest stands in the middle of a word", () => {
    const window = new ReplayWindow();
    take(window, 20);
    take(window, REPLAY_WINDOW + 16);
    assert.equal(window.check(20), false);
    assert.equal(window.check(21), true);
  });

  it("asking alone changes nothing", () => {
    const window = new ReplayWindow();
    assert.equal(window.check(2 ** 40), true);
    assert.equal(take(window, 0), true);
    window.accept(2 ** 40);
    window.accept(0);
    assert.equal(window.check(0), false);
  });
});
