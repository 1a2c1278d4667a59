import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Finding, Seeker } from "../../src/link/seeker.ts";
import type { PeerRecord } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

/** When a process began that is gone. */
const GONE = 1;

function scene() {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const found: PeerRecord[] = [];
  const watches: (() => void)[] = [];
  let answer: Finding = { kind: "absent" };
  let ended = 0;
  const seeker: Seeker = new Seeker(
    clock,
    () => (asked.push(clock.now()), Promise.resolve(answer)),
    (record) => {
      if (record.started === GONE) return false;
      found.push(record);
      seeker.rest();
      return true;
    },
    (seen) => (watches.push(seen), () => void ended++),
  );
  const appears = (started = GONE + 1) =>
    void (answer = { kind: "found", record: { started } as PeerRecord });
  return { clock, asked, found, watches, seeker, appears, ended: () => ended };
}

describe("who looks for a peer that is away", () => {
  it("asks ever less often, and never less than every five seconds", async () => {
    const { clock, asked, seeker } = scene();
    seeker.begin();
    seeker.begin(); // every frame that went astray says so anew
    await clock.advance(20_000);
    assert.deepEqual(asked, [250, 750, 1_750, 3_750, 7_750, 12_750, 17_750]);
    seeker.stop();
    assert.equal(clock.timers, 0);
  });

  it("keeps one lookout, and asks in the moment in which that sights the peer", async () => {
    const { clock, asked, found, watches, seeker, appears, ended } = scene();
    seeker.begin();
    seeker.begin();
    assert.equal(watches.length, 1);
    await clock.advance(9_000);
    const before = asked.length;
    appears();
    watches[0]!();
    await clock.advance(0);
    assert.deepEqual([asked.slice(before), found.length, ended(), clock.timers], [[9_000], 1, 1, 0]);
  });

  it("goes on looking while what it finds is of a process that is gone", async () => {
    const { clock, asked, found, ended, seeker, appears } = scene();
    seeker.begin();
    appears(GONE);
    await clock.advance(2_000);
    assert.deepEqual([asked, found.length, ended()], [[250, 750, 1_750], 0, 0]);
    appears();
    await clock.advance(2_000);
    assert.deepEqual([asked.at(-1), found.length, ended(), clock.timers], [3_750, 1, 1, 0]);
  });

  it("looks often again when what was sighted was gone at once", async () => {
    const { clock, asked, watches, seeker } = scene();
    seeker.begin();
    await clock.advance(9_000);
    const before = asked.length;
    watches[0]!();
    await clock.advance(1_000);
    assert.deepEqual(asked.slice(before), [9_000, 9_250, 9_750]);
    seeker.stop();
  });

  it("ends its lookout when it rests, and has a new one when it begins again", () => {
    const { clock, watches, seeker, ended } = scene();
    seeker.begin();
    seeker.rest();
    assert.deepEqual([ended(), clock.timers], [1, 0]);
    seeker.begin();
    assert.deepEqual([watches.length, ended()], [2, 1]);
    seeker.stop();
    assert.deepEqual([ended(), clock.timers], [2, 0]);
  });

  it("says nothing any more once it is stopped, whatever comes", async () => {
    const { clock, found, watches, seeker, appears } = scene();
    seeker.begin();
    appears();
    watches[0]!();
    seeker.stop(); // while the question is under way
    await clock.advance(10_000);
    assert.deepEqual(found, []);
  });
});
