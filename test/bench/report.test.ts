import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { field } from "./bench.ts";
import { bottleneck, type Sample } from "./load.ts";
import type { Opponent } from "./opponents/opponent.ts";
import { barChart } from "./plot.ts";
import { rowOf } from "./relay.ts";
import { readable, table } from "./table.ts";

const sample = (changes: Partial<Sample>): Sample => ({
  framesPerSecond: 1000,
  microsecondsPerFrame: 2,
  relayShare: 0.5,
  generatorShare: 0.5,
  lost: 0,
  ...changes,
});

const opponent = (name: string, installed: boolean): Opponent => ({
  name,
  version: () => "1.0",
  installed: () => installed,
  install: `get ${name}`,
  start: () => Promise.reject(new Error("not here")),
  pair: () => Promise.reject(new Error("not here")),
  idle: () => Promise.reject(new Error("not here")),
});

describe("the report of a benchmark", () => {
  it("says what a rate was limited by", () => {
    assert.equal(bottleneck(sample({ relayShare: 0.95, generatorShare: 0.6 })), "relay");
    assert.equal(bottleneck(sample({ relayShare: 0.85, generatorShare: 0.99 })), "generator");
    assert.equal(bottleneck(sample({ relayShare: 0.3, generatorShare: 0.4 })), "machine");
  });
  it("gives medians of the rounds, the ratio to waymeet, and what a core carries at that cost", () => {
    const samples = [1, 9, 4].map((microsecondsPerFrame, lost) => sample({ microsecondsPerFrame, lost }));
    const row = rowOf({ size: 64, burst: 16, pairs: 8 }, "bare", samples, 2);
    assert.equal(row["CPU µs/frame"], 4);
    assert.equal(row.quartiles, "2.5–6.5");
    assert.equal(row["÷ waymeet"], 2);
    assert.equal(row["frames/s per core"], 250_000);
    assert.equal(row.lost, 3);
  });
  it("names who is not installed, with the command that changes it, and measures the others", () => {
    const { taking, notMeasured, versions } = field(undefined, [
      opponent("here", true),
      opponent("away", false),
    ]);
    assert.deepEqual(taking.map(({ name }) => name), ["here"]);
    assert.deepEqual(versions, { here: "1.0" });
    assert.deepEqual(notMeasured, { away: "get away" });
    const machine = { processor: "P", cores: 2, memoryGib: 4, kernel: "6", node: "v20", load: 1 };
    const text = readable({ bench: "relay", machine, versions, notMeasured, rows: [], notes: [] });
    assert.match(text, /^away: not measured; get away$/m);
  });
  it("refuses the name of a relay it does not know", () => {
    assert.throws(() => field(["zeromq"], [opponent("here", true)]), /knows here, not "zeromq"/);
  });
  it("aligns numbers to the right and words to the left", () => {
    assert.equal(
      table([{ who: "a", n: 12_345 }, { who: "bcd", n: 1 }]),
      "who       n\na    12,345\nbcd       1",
    );
  });
});

describe("the plot", () => {
  const chart = (bars: { name: string; value: number }[]) => ({
    title: "a < b",
    unit: "µs",
    groups: [{ label: "64 B", bars }],
  });
  const widths = (svg: string) =>
    [...svg.matchAll(/<rect x="\d+" y="\d+" width="(\d+)"/g)].map(([, w]) => Number(w));

  it("draws bars in proportion to their values", () => {
    const [long, short, none] = widths(
      barChart(chart([{ name: "x", value: 4 }, { name: "y", value: 1 }, { name: "z", value: 0 }])),
    );
    assert.ok(long! > 300);
    assert.ok(Math.abs(long! / short! - 4) < 0.05);
    assert.equal(none, 0);
  });
  it("escapes words, so that it stays well-formed", () => {
    assert.match(barChart(chart([{ name: "<&>", value: 1 }])), /a &lt; b.*&lt;&amp;&gt; 1 µs/s);
  });
  it("gives one relay one colour in all groups", () => {
    const bars = [{ name: "x", value: 1 }, { name: "y", value: 2 }];
    const svg = barChart({
      title: "",
      unit: "",
      groups: [{ label: "1", bars }, { label: "2", bars: bars.slice(1) }],
    });
    const colours = [...svg.matchAll(/fill="(#[0-9a-f]{6})"\/>/g)].map(([, colour]) => colour);
    assert.equal(colours[1], colours[2]);
    assert.notEqual(colours[0], colours[1]);
  });
  it("refuses what is not a length", () => {
    assert.throws(() => barChart(chart([{ name: "x", value: NaN }])), RangeError);
  });
});
