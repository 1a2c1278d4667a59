import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { sighted, unheard, UNKNOWN, waited, type Whereabouts } from "../../src/peer/whereabouts.ts";

const A = "a" as PeerId;
const B = "b" as PeerId;
const PATIENCE = 100;

type Step = { type: "at"; node: PeerId } | { type: "gone" | "unheard" } | { type: "wait"; ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("at" as const), node: fc.constantFrom(A, B) }),
  fc.record({ type: fc.constantFrom("gone" as const, "unheard" as const) }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.nat(150) }),
);

/** What a program hears, each with its time. */
function story(steps: Step[]): { news: string; at: number }[] {
  const told: { news: string; at: number }[] = [];
  let [state, now]: [Whereabouts, number] = [UNKNOWN, 0];
  for (const step of steps) {
    if (step.type === "unheard") state = unheard(state);
    else if (step.type === "wait") {
      for (let i = 0; i < step.ms; i++, now++) {
        const { after, news } = waited(state, now);
        if (news) told.push({ news, at: now });
        state = after;
      }
    } else {
      const { after, news } = sighted(state, step.type === "at" ? step.node : undefined, now, PATIENCE);
      if (news) told.push({ news, at: now });
      state = after;
    }
  }
  return told;
}
const names = (steps: Step[]): string[] => story(steps).map(({ news }) => news);

describe("what a watcher believes", () => {
  it("is what the node says first, be it that nobody is there", () => {
    assert.deepEqual(names([{ type: "at", node: A }]), ["online"]);
    assert.deepEqual(names([{ type: "gone" }]), ["offline"]);
  });

  it("is nothing new when the peer is back at its node within the patience, and a move when it is at another", () => {
    const away: Step[] = [{ type: "at", node: A }, { type: "gone" }, { type: "wait", ms: PATIENCE - 1 }];
    const late: Step = { type: "wait", ms: 200 };
    assert.deepEqual(names([...away, { type: "at", node: A }, late]), ["online"]);
    assert.deepEqual(names([...away, { type: "at", node: B }, late]), ["online", "moved"]);
  });

  it("is that the peer is offline once it is gone for so long", () => {
    const told = story([{ type: "at", node: A }, { type: "gone" }, { type: "wait", ms: 300 }]);
    assert.deepEqual(told, [{ news: "online", at: 0 }, { news: "offline", at: PATIENCE }]);
  });

  it("is not that it is offline while nobody can say", () => {
    const lost: Step[] = [{ type: "at", node: A }, { type: "gone" }, { type: "unheard" }];
    assert.deepEqual(names([...lost, { type: "wait", ms: 1_000 }]), ["online"]);
  });

  it("alternates: offline only after online, moved only while online, and an end in silence within the patience", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let online: boolean | undefined;
        for (const news of names(steps)) {
          if (news === "online") assert.notEqual(online, true);
          else if (news === "offline") assert.notEqual(online, false);
          else assert.equal(online, true);
          online = news !== "offline";
        }
        const last = names([...steps, { type: "gone" }, { type: "wait", ms: PATIENCE + 1 }]).at(-1);
        assert.equal(last, "offline");
      }),
    );
  });
});
