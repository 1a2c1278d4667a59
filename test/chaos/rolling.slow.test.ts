// deadline: 240 s
import assert from "node:assert/strict";
import { it } from "node:test";
import { roll } from "./rolling.ts";

for (const mixed of [false, true]) {
  const what = mixed ? ", with two versions of the protocol mixed" : "";
  it(`a rolling restart of all nodes under traffic loses, doubles and reorders nothing${what}`, async () => {
    const { sums, gaps, failures } = await roll({ seed: 1, mixed });
    assert.deepEqual(failures, []);
    assert(sums.sent > 1_000);
    assert.deepEqual(sums, { sent: sums.sent, received: sums.sent, lost: 0, duplicated: 0, reordered: 0 });
    assert.equal(gaps.length, 5);
  });
}
