// runtimes: bun, node
// deadline: 120 s
import assert from "node:assert/strict";
import { it } from "node:test";
import { leave } from "./left_behind.ts";
import { type Vitals, vitals } from "./vitals.ts";

/** So many that what a runtime lets go late, some 2,000 objects of its start, does not count beside them. */
const LIVES = 100_000;
/** Functions that nobody has called yet: to call them makes code, and what describes it. */
const source = Array.from({ length: 300 }, (_, i) => `(x) => x + ${i} > 7 ? [x, ${i}] : { x, y${i}: x }`);

it("what a program holds grows by each object that a life leaves, and by bytes of buffers, but not by code", async () => {
  const first = await settled(await vitals()); // reading a snapshot makes some objects once
  leave(LIVES);
  const second = await vitals();
  within((second["objects"]! - first["objects"]!) / LIVES, 0.9, 1.1, "objects a life");
  within((second["held"]! - first["held"]!) * 1_024 / LIVES, 16, 96, "bytes a life");

  const buffers = Array.from({ length: 100 }, () => new Uint8Array(20_480));
  const third = await vitals();
  within(third["held"]! - second["held"]!, 1_800, 2_300, `KiB of ${buffers.length} buffers of 20 KiB`);

  const functions = source.map((text) => new Function(`return ${text}`)() as (x: number) => unknown);
  const fourth = await settled(await vitals());
  for (let i = 0; i < 3_000; i++) for (const each of functions) each(i);
  const fifth = await vitals();
  within((fifth["objects"]! - fourth["objects"]!) / functions.length, -5, 5, "objects a function that runs");
});

/** When no more than 100 objects come or go from one reading to the next. */
async function settled(before: Vitals, patience = 10): Promise<Vitals> {
  const now = await vitals();
  const still = Math.abs(now["objects"]! - before["objects"]!) < 100;
  return still || patience === 0 ? now : await settled(now, patience - 1);
}

function within(value: number, low: number, high: number, what: string): void {
  assert.ok(value > low && value < high, `${value} ${what}: ${low} … ${high} were expected`);
}
