// deadline: 360 s
// cores: 1
import assert from "node:assert/strict";
import { it } from "node:test";
import { soak } from "./soak_run.ts";

it("nothing is left of peers that came, talked, left and crashed for a while", async () => {
  const { left, counts } = await soak(0.25);
  for (const [node, state] of Object.entries(left)) {
    assert.ok(Object.keys(state).length === 6);
    for (const [what, count] of Object.entries(state)) assert.equal(count, 0, `${what} at the ${node}`);
  }
  const sum = (what: string) => Object.values(counts).reduce((all, each) => all + (each[what] ?? 0), 0);
  assert.ok(sum("lives") > 10 && sum("messages") > 50 && sum("sessions_total") > 20);
});
