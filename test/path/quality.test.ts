import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { judge, type Look, type Quality, UNJUDGED } from "../../src/path/quality.ts";

const still = { sent: 0, lost: 0, bytes: 0, limited: 0, progressAt: 0 };

describe("the quality of a path", () => {
  it("an application that sends little says nothing about a path that loses nothing", () => {
    fc.assert(fc.property(fc.array(fc.nat(60), { maxLength: 100 }), fc.nat(2_000), (frames, rtt) => {
      let quality: Quality = UNJUDGED;
      let look: Look = { path: still, rtt, relay: still, relayRtt: 10 };
      for (const [i, sent] of frames.entries()) {
        look = {
          ...look,
          path: { ...look.path, sent: look.path.sent + sent, bytes: look.path.bytes + sent },
        };
        const step = judge(quality, look, i * 500);
        assert.equal(step.judgement.kind, "go-on");
        quality = step.quality;
      }
    }));
  });

  it("a path that queues for a second what the relay carries at once is compared with it", () => {
    let quality: Quality = UNJUDGED;
    for (let now = 0; now <= 4_000; now += 500) {
      const path = { ...still, sent: now / 50, bytes: now * 300, limited: now };
      const step = judge(quality, { path, rtt: 1_200, relay: still, relayRtt: 40 }, now);
      if (step.judgement.kind === "try-relay") {
        assert.equal(step.judgement.why, "direct carried 0.3 MB/s and took 1200 ms there and back");
        return;
      }
      quality = step.quality;
    }
    assert.fail("never compared");
  });

  it("comparisons get rarer", () => {
    let quality: Quality = UNJUDGED;
    const trials: number[] = [];
    let path = still;
    let relay = still;
    for (let now = 0; now < 2_000_000; now += 500) {
      const inUse = quality.kind === "watching";
      if (inUse) path = more(path, 1_000, 50);
      else relay = more(relay, 100, 0);
      const step = judge(quality, { path, rtt: 10, relay, relayRtt: 10 }, now);
      quality = step.quality;
      if (step.judgement.kind === "try-relay") trials.push(now);
    }
    const gaps = trials.slice(1).map((at, i) => at - trials[i]!);
    assert.ok(gaps[0]! >= 60_000 && gaps[1]! >= 120_000 && gaps.at(-1)! >= 300_000, gaps.join(" "));
  });
});

function more(carried: typeof still, frames: number, lost: number): typeof still {
  return {
    sent: carried.sent + frames,
    lost: carried.lost + lost,
    bytes: carried.bytes + 1_000 * frames,
    limited: carried.limited + 500,
    progressAt: 0,
  };
}
