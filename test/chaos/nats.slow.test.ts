// deadline: 240 s
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { seededDice } from "../dice.ts";
import { Crowd } from "./crowd.ts";
import type { Fault } from "./fault_kinds.ts";
import { type Outcome, storm } from "./faults.ts";

let crowd: Crowd | undefined;
after(() => crowd?.close());

const FAULTS: readonly Fault[] = ["kill", "nats-kill", "nats-freeze"];

it("with NATS between the nodes a killed node and a killed or frozen server of three cost no message", async () => {
  const dice = seededDice(11);
  crowd = await Crowd.gather({ dice, fabric: "nats", peers: 9 });
  const outcomes: Outcome[] = [];
  for await (const outcome of storm(crowd, dice, Infinity, FAULTS)) {
    if (outcomes.push(outcome) === FAULTS.length) break;
  }
  assert.deepEqual(outcomes.map(({ fault }) => fault).sort(), [...FAULTS].sort());
  const sums = await crowd.count();
  assert.deepEqual(crowd.failures, []);
  assert(sums.sent > 300);
  assert.deepEqual(sums, { sent: sums.sent, received: sums.sent, lost: 0, duplicated: 0, reordered: 0 });
});
