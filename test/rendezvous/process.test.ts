/** Which of two processes with one key is the newer one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareProcesses, compareStarts, type Process } from "../../src/rendezvous/process.ts";

const EPOCH = 1_800_000_000_000;

/** Two processes that live now, the second `later` ms younger, each with a clock of its own. */
const pair = fc.record({
  age: fc.integer({ min: 0, max: 300_000 }),
  later: fc.integer({ min: 0, max: 300_000 }),
  clocks: fc.tuple(fc.integer({ min: -600_000, max: 600_000 }), fc.integer({ min: -600_000, max: 600_000 })),
}).map(({ age, later, clocks }) => ({
  earlier: process(1, age + later, clocks[0]),
  later: process(2, age, clocks[1]),
}));

function process(instance: number, age: number, clock: number): Process {
  return { instance: new Uint8Array(16).fill(instance), started: EPOCH + clock - age, age };
}

describe("of two processes with one key", () => {
  it("the younger is the newer one in its first minute, whatever the clocks say", () => {
    fc.assert(fc.property(pair, ({ earlier, later }) => {
      if (later.age! >= 60_000 || earlier.age! - later.age! <= 2_000) return;
      assert(compareProcesses(later, earlier) > 0);
    }));
  });

  it("the later start wins where both are old, or an age is not told", () => {
    fc.assert(fc.property(pair, fc.boolean(), ({ earlier, later }, told) => {
      const shown = told ? later : { ...later, age: undefined };
      if (told && later.age! < 60_000) return;
      assert.equal(compareProcesses(shown, earlier), compareStarts(shown, earlier));
    }));
  });

  it("the order is the same from both sides", () => {
    fc.assert(fc.property(pair, ({ earlier, later }) => {
      assert.equal(Math.sign(compareProcesses(later, earlier)), -Math.sign(compareProcesses(earlier, later)));
    }));
  });

  it("none is newer when both are one, though it corrected its start", () => {
    fc.assert(fc.property(pair, ({ earlier, later }) => {
      assert.equal(compareProcesses({ ...later, instance: earlier.instance }, earlier), 0);
    }));
  });
});
