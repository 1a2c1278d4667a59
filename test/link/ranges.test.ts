import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Fifo } from "../../src/link/fifo.ts";
import { Ranges } from "../../src/link/ranges.ts";

describe("ranges", () => {
  it("are what a set of numbers would be, written as runs", () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ add: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ dropBelow: fc.nat(60) }) },
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ranges = new Ranges();
      const model = new Set<number>();
      for (const each of steps) {
        if ("add" in each) {
          assert.equal(ranges.add(each.add), !model.has(each.add));
          model.add(each.add);
        } else {
          ranges.dropBelow(each.dropBelow);
          for (const number of [...model]) if (number < each.dropBelow) model.delete(number);
        }
      }
      const edges = ranges.first(100);
      assert.equal(edges.length, 2 * ranges.size);
      const covered = new Set<number>();
      for (let i = 0; i < edges.length; i += 2) {
        assert.ok(
          edges[i]! < edges[i + 1]! && (i === 0 || edges[i]! > edges[i - 1]!),
          "disjoint, ascending, not touching",
        );
        for (let number = edges[i]!; number < edges[i + 1]!; number++) covered.add(number);
      }
      assert.deepEqual([...covered], [...model].sort((a, b) => a - b));
      for (let number = 0; number <= 61; number++) assert.equal(ranges.has(number), model.has(number));
    }));
  });
});

describe("a fifo", () => {
  it("is an array whose head leaves cheaply", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant("shift"), fc.nat(5), fc.constant("push")), { maxLength: 300 }),
        (steps) => {
          const fifo = new Fifo<number>();
          const model: number[] = [];
          steps.forEach((step, index) => {
            if (step === "push") fifo.push(index), model.push(index);
            else if (step === "shift") assert.equal(fifo.shift(), model.shift());
            else assert.deepEqual(fifo.drop(step as number), model.splice(0, step as number));
            assert.equal(fifo.length, model.length);
            assert.equal(fifo.at(0), model[0]);
            assert.deepEqual([...fifo], model);
          });
        },
      ),
    );
  });
});
