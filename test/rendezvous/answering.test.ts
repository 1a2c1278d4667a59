import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Answering } from "../../src/rendezvous/answering.ts";
import type { Clock } from "../../src/session/clock.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

function scene(late = 0) {
  const clock = new VirtualClock();
  const happened: string[] = [];
  const slow: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after: (delay, run) => clock.after(delay + late, run),
  };
  const answering = new Answering(slow, {
    ask: (now) => void happened.push(`asked at ${now}`),
    doubt: (doubted) => void happened.push(`${doubted ? "doubted" : "trusted"} at ${clock.now()}`),
  });
  return { clock, happened, answering };
}

describe("a neighbour that something is sent to", () => {
  it("is asked when it says nothing, and doubted when it does not answer, within half a second", async () => {
    const { clock, happened, answering } = scene();
    answering.sent();
    await clock.advance(10_000);
    assert.deepEqual(happened, ["asked at 200", "doubted at 500"]);
    answering.heard();
    assert.deepEqual(happened.at(-1), "trusted at 10000");
    assert.equal(clock.timers, 0);
  });

  it("is not asked while it speaks, however much is sent", async () => {
    const { clock, happened, answering } = scene();
    for (let i = 0; i < 100; i++) {
      answering.sent();
      await clock.advance(10);
      if (i % 10 === 5) answering.heard();
    }
    assert.deepEqual(happened, []);
  });

  it("is doubted half a second after the first word that it did not answer, whatever it said before", async () => {
    const { clock, happened, answering } = scene();
    for (let at = 0; at < 1_000; at += 50) {
      answering.sent();
      await clock.advance(10);
      if (at <= 300) answering.heard(); // the last time at 310
      await clock.advance(40);
    }
    assert.deepEqual(happened, ["asked at 550", "doubted at 850"]);
  });

  it("is not doubted for what was sent after it answered", async () => {
    const { clock, happened, answering } = scene();
    answering.sent();
    await clock.advance(250);
    answering.heard();
    await clock.advance(240);
    answering.sent(); // ten milliseconds before the first answer was due
    await clock.advance(20);
    answering.heard();
    await clock.advance(1_000);
    assert.deepEqual(happened, ["asked at 200"]);
  });

  it("is watched again after it answered", async () => {
    const { clock, happened, answering } = scene();
    answering.sent();
    await clock.advance(250);
    answering.heard();
    await clock.advance(1_000);
    answering.sent();
    await clock.advance(1_000);
    assert.deepEqual(happened, ["asked at 200", "asked at 1450", "doubted at 1750"]);
  });

  it("is not doubted for the time in which this process stood still", async () => {
    const { clock, happened, answering } = scene(5_000);
    answering.sent();
    await clock.advance(60_000);
    assert.deepEqual(happened, []);
  });

  it("costs no timer once its session is over", () => {
    const { clock, answering } = scene();
    answering.sent();
    answering.stop();
    assert.equal(clock.timers, 0);
  });
});
