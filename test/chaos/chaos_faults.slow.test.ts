// deadline: 180 s
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { seededDice } from "../dice.ts";
import { Crowd } from "./crowd.ts";
import type { Fault } from "./fault_kinds.ts";
import { exhaust, fillDisk, jump, press } from "./host_faults.ts";
import { overload } from "./overload.ts";

let crowd: Crowd | undefined;
after(() => crowd?.close());

const FAULTS: readonly Fault[] = ["half-open", "node-clock", "disk", "memory", "descriptors"];
/** Nodes 0 and 3 are on Bun, 1 is on Deno, 2 and 4 are on Node. */
const [CLOCK, DESCRIPTORS, DISK, HALF_OPEN, MEMORY] = [0, 1, 2, 3, 4];

describe("peers among faulty machines and connections", () => {
  it("lose no message when each node has a trouble of its own at once, and all nodes go on", async () => {
    const dice = seededDice(5);
    crowd = await Crowd.gather({ dice, faults: FAULTS, peers: 9 });
    const here = crowd;
    here.network.turn!(HALF_OPEN!, { kind: "swallowing", way: "to" });
    await Promise.all([
      jump((offset) => here.setNodeClock(CLOCK!, offset), dice),
      exhaust(here, DESCRIPTORS!),
      fillDisk(here, DISK!),
      press(here, MEMORY!),
    ]);
    here.network.heal(HALF_OPEN!);
    here.check("disk", DISK!);
    const sums = await here.count();
    assert.deepEqual(here.failures, []);
    assert.ok(sums.sent > 300);
    assert.deepEqual(sums, { sent: sums.sent, received: sums.sent, lost: 0, duplicated: 0, reordered: 0 });
  });

  it("talk on through a node that is offered ten times what it can carry", async () => {
    const { offered, peak, goodput, loaded, failures } = await overload("node", 10, 1);
    assert.deepEqual(failures, []);
    assert.ok(offered > 2 * peak && goodput > 0 && loaded.arrived > 0);
  });
});
