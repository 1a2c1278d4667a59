import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { Watch } from "../../src/peer/watch.ts";

describe("a watch", () => {
  it("tells that a peer is gone although timers ring before the clock says so", async () => {
    const [peer, node] = [(await generateIdentity()).id, (await generateIdentity()).id];
    let now = 1_000;
    const waiting: { at: number; run: () => void }[] = [];
    const clock = {
      now: () => now,
      wall: () => now,
      after: (delay: number, run: () => void) => {
        waiting.push({ at: now + delay - 0.4, run });
        return () => {};
      },
    };
    const watch = new Watch(peer, clock, 100, () => {});
    watch.sighted(node);
    watch.sighted(undefined);
    for (let rings = 0; rings < 3 && waiting.length > 0; rings++) {
      const { at, run } = waiting.shift()!;
      now = Math.max(now, at);
      run();
    }
    assert.equal(watch.state, "offline");
    assert.equal(waiting.length, 0);
  });
});
