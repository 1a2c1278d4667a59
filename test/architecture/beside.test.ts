// runtimes: node
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { beside } from "../run/beside.ts";
import { wishOf } from "../run/wish.ts";

interface Task {
  cores: number;
  name: string;
}

/** Runs tasks that end when they are told to, and says which run. */
function stage(tasks: Task[], cores: number) {
  const running = new Map<string, () => void>();
  const begun: string[] = [];
  const over = beside(tasks, cores, ({ name }) => {
    begun.push(name);
    return new Promise((resolve) => running.set(name, resolve));
  });
  const end = async (name: string): Promise<void> => {
    running.get(name)!();
    running.delete(name);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { running, begun, over, end };
}

describe("steps of a run", () => {
  it("run side by side as far as there are cores; what has room overtakes what has none", async () => {
    const tasks = [["a", 0.65], ["b", 1], ["c", 1], ["d", 0.3]].map(([name, cores]) =>
      ({ name, cores }) as Task
    );
    const { begun, over, end } = stage(tasks, 2);
    assert.deepEqual(begun, ["a", "b", "d"]);
    await end("b");
    assert.deepEqual(begun, ["a", "b", "d", "c"]);
    for (const name of ["a", "d", "c"]) await end(name);
    await over;
  });

  it("all run once, never more than there is room for, and nothing beside what is alone", async () => {
    const loads = fc.array(fc.constantFrom(0.3, 0.65, 1, 2, Infinity), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(loads, fc.integer({ min: 1, max: 4 }), fc.nat(), async (loads, cores, pick) => {
        const tasks = loads.map((load, i) => ({ name: `${i}`, cores: load }));
        const { running, begun, over, end } = stage(tasks, cores);
        while (running.size > 0) {
          const names = [...running.keys()];
          const busy = names.map((name) => Math.min(loads[Number(name)]!, cores)).reduce(
            (sum, load) => sum + load,
            0,
          );
          assert.ok(busy <= cores + 1e-6, `${busy} of ${cores}`);
          if (
            names.some((name) => loads[Number(name)] === Infinity)
          ) assert.equal(names.length, 1);
          await end(names[pick % names.length]!);
        }
        await over;
        assert.deepEqual(begun.map(Number).sort((a, b) => a - b), loads.map((_, i) => i));
      }),
    );
  });
});

describe("what a test file says of itself", () => {
  const said = (text: string) => {
    const root = mkdtempSync(join(tmpdir(), "waymeet-wish-"));
    try {
      writeFileSync(join(root, "a.test.ts"), text);
      return wishOf(root, "a.test.ts");
    } finally {
      rmSync(root, { recursive: true });
    }
  };

  it("names runtimes with commas or without, a deadline and cores", () => {
    assert.deepEqual(said("// runtimes: node, bun\n// deadline: 60 s\n// cores: 0.6\n"), {
      runtimes: ["node", "bun"],
      deadline: 60_000,
      cores: 0.6,
    });
    assert.deepEqual(said("// runtimes: bun deno node\n"), { runtimes: ["bun", "deno", "node"] });
    assert.deepEqual(said("import assert;\n"), {});
  });

  it("is refused when it names a runtime that is none, on which it would never run", () => {
    assert.throws(() => said("// runtimes: node, edge\n"), TypeError);
  });
});
