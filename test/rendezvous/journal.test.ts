import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { configure, getLogger, type LogRecord, reset } from "@logtape/logtape";
import fc from "fast-check";
import { Journal, JOURNAL_LINES, JOURNAL_WINDOW } from "../../src/rendezvous/journal.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

describe("the journal of a node", () => {
  const records: LogRecord[] = [];
  let clock: VirtualClock;
  let journal: Journal;

  beforeEach(async () => {
    records.length = 0;
    await configure({
      reset: true,
      sinks: { list: (record: LogRecord) => void records.push(record) },
      loggers: [
        { category: "waymeet", lowestLevel: "debug", sinks: ["list"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
      ],
    });
    clock = new VirtualClock();
    journal = new Journal(getLogger(["waymeet", "node"]), clock);
  });
  afterEach(reset);

  const events = (event: string) => records.filter(({ properties }) => properties["event"] === event);
  const more = () => events("sampled").map(({ properties }) => properties["more"] as number);

  it("writes the first lines of a flood and says how many there were besides", async () => {
    for (let i = 0; i < 50_000; i++) {
      journal.turnedAway("p", "192.0.2.1", Reason.overCapacity, "too many handshakes are under way");
    }
    assert.equal(events("turned-away").length, JOURNAL_LINES);
    await clock.advance(JOURNAL_WINDOW);
    assert.deepEqual(more(), [50_000 - JOURNAL_LINES]);
    await clock.advance(10 * JOURNAL_WINDOW);
    assert.equal(records.length, JOURNAL_LINES + 1);
  });

  it("tells each kind apart, and of each the reasons", () => {
    for (let i = 0; i < JOURNAL_LINES; i++) journal.refused("frame", Reason.queueFull, "p");
    journal.refused("frame", Reason.tooLarge, "p");
    journal.refused("lookup", Reason.queueFull, "p");
    assert.equal(events("refusal").length, JOURNAL_LINES + 2);
  });

  it("keeps count however strangers vary the reason: no more kinds than it has room for", () => {
    for (let reason = 0; reason < 5_000; reason++) journal.refused("frame", `made up ${reason}`, "p");
    journal.close();
    assert.ok(records.length <= 256 + JOURNAL_LINES + 1);
  });

  it("loses no refusal: lines and what is said of the others add up, whatever comes when", async () => {
    const steps = fc.array(
      fc.record({ reason: fc.integer({ min: 32, max: 36 }), times: fc.nat(120), wait: fc.nat(9_000) }),
      {
        maxLength: 12,
      },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        records.length = 0;
        for (const { reason, times, wait } of list) {
          for (let i = 0; i < times; i++) journal.refused("frame", reason, "p");
          await clock.advance(wait);
        }
        journal.close();
        const said = more().reduce((sum, count) => sum + count, 0);
        assert.equal(events("refusal").length + said, list.reduce((sum, { times }) => sum + times, 0));
      }),
      { numRuns: 40 },
    );
  });
});
