import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergedMetrics } from "../../src/rendezvous/merged_metrics.ts";
import { Durations, Page } from "../../src/rendezvous/exposition.ts";

function page(sessions: number, reasons: [number, number][]): string {
  const page = new Page();
  page.one("sessions", "gauge", "Peers.", sessions);
  page.byReason("ends", "Ends.", new Map(reasons));
  const durations = new Durations([1]);
  durations.add(500);
  durations.expose(page, "seconds", "How long.");
  return page.text;
}

describe("metrics of several workers", () => {
  it("name each metric once, and say of each sample whose it is", () => {
    const merged = mergedMetrics(new Map([["1", page(3, [])], ["2", page(4, [[0, 7]])]]));
    const lines = merged.split("\n");
    assert.equal(lines.filter((line) => line === "# TYPE waymeet_sessions gauge").length, 1);
    assert.ok(lines.includes('waymeet_sessions{worker="1"} 3'));
    assert.ok(lines.includes('waymeet_sessions{worker="2"} 4'));
    assert.ok(lines.includes('waymeet_ends{worker="2",reason="none"} 7'));
    assert.ok(lines.includes('waymeet_seconds_bucket{worker="1",le="1"} 1'));
  });

  it("keep the samples of a metric together, behind its head", () => {
    const merged = mergedMetrics(new Map([["1", page(3, [[0, 1]])], ["2", page(4, [[0, 7]])]]));
    const names = merged.trim().split("\n").map((line) => /waymeet_[a-z]+/.exec(line)![0]);
    const runs = names.filter((name, i) => name !== names[i - 1]);
    assert.deepEqual(runs, ["waymeet_sessions", "waymeet_ends", "waymeet_seconds"]);
  });

  it("are a page of nothing when there are none", () => assert.equal(mergedMetrics(new Map()), ""));
});
