// deadline: 240 s
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { Crowd } from "./crowd.ts";
import { seededDice } from "../dice.ts";
import { FAULTS } from "./fault_kinds.ts";
import { type Outcome, storm } from "./faults.ts";

let crowd: Crowd | undefined;
after(() => crowd?.close());

it("a killed, a frozen and a cut off node cost twenty peers no message, and every way goes on", async () => {
  const dice = seededDice(7);
  crowd = await Crowd.gather({ dice });
  const outcomes: Outcome[] = [];
  for await (const outcome of storm(crowd, dice, Infinity)) {
    if (outcomes.push(outcome) === FAULTS.length) break;
  }
  assert.deepEqual(outcomes.map(({ fault }) => fault).sort(), [...FAULTS].sort());
  assert(outcomes.every(({ resumed }) => resumed.length > 0));
  const sums = await crowd.count();
  assert.deepEqual(crowd.failures, []);
  assert(sums.sent > 1_000);
  assert.deepEqual(sums, { sent: sums.sent, received: sums.sent, lost: 0, duplicated: 0, reordered: 0 });
});
