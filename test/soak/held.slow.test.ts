// runtimes: bun, node
// deadline: 120 s
import assert from "node:assert/strict";
import { it } from "node:test";
import { leave } from "./left_behind.ts";
import { vitals } from "./vitals.ts";

const LIVES = 20_000;
/** Functions that nobody has called yet: to call them makes code, and what describes it. */
const source = Array.from({ length: 300 }, (_, i) => `(x) => x + ${i} > 7 ? [x, ${i}] : { x, y${i}: x }`);

it("what a program holds grows by each object that a life leaves, and by bytes of buffers, but not by code", async () => {
  await vitals(); // makes what reading a snapshot makes once
  const first = await vitals();
  leave(LIVES);
  const second = await vitals();
  within((second["objects"]! - first["objects"]!) / LIVES, 0.9, 1.1, "objects a life");
  within((second["held"]! - first["held"]!) * 1_024 / LIVES, 16, 96, "bytes a life");

  const buffers = Array.from({ length: 100 }, () => new Uint8Array(20_480));
  const third = await vitals();
  within(third["held"]! - second["held"]!, 1_800, 2_300, `KiB of ${buffers.length} buffers of 20 KiB`);

  const functions = source.map((text) => new Function(`return ${text}`)() as (x: number) => unknown);
  const fourth = await vitals();
  for (let i = 0; i < 3_000; i++) for (const each of functions) each(i);
  const fifth = await vitals();
  within((fifth["objects"]! - fourth["objects"]!) / functions.length, -5, 5, "objects a function that runs");
});

function within(value: number, low: number, high: number, what: string): void {
  assert.ok(value > low && value < high, `${value} ${what}: ${low} … ${high} were expected`);
}
