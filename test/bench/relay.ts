/** What relaying costs: one sender and one receiver a pair, all pairs at one relay, all relays in turns. */
import type { Bench, Row } from "./bench.ts";
import { field } from "./bench.ts";
import { bottleneck, type Sample, saturate, type Shape } from "./load.ts";
import type { Opponent, Pair, Running } from "./opponents/opponent.ts";
import type { Chart } from "./plot.ts";
import { median, type Summary, summary, takeTurns } from "./statistics.ts";

/** Bursts from this size on change nothing: a frame fills a message by itself. */
const NO_BURSTS_FROM = 16_384;

/** A frame of which nothing else is under way between its pair: nobody can send or read two at once. */
const ALONE = "alone";

export interface Entry {
  opponent: Opponent;
  relay: Running;
  pairs: Pair[];
}

/** Starts each relay, with so many pairs connected. */
export async function enter(opponents: Opponent[], pairs: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const opponent of opponents) {
    const relay = await opponent.start("relay");
    const entry: Entry = { opponent, relay, pairs: [] };
    entries.push(entry);
    for (let count = 0; count < pairs; count++) entry.pairs.push(await opponent.pair(relay));
  }
  return entries;
}

export function leave(entries: Entry[]): void {
  for (const { relay, pairs } of entries) {
    for (const pair of pairs) pair.close();
    relay.stop();
  }
}

function shapes(sizes: number[], pairs: number): Shape[] {
  const bursts = (size: number) => size < NO_BURSTS_FROM ? [1, 16] : [1];
  const streams = sizes.flatMap((size) => bursts(size).map((burst) => ({ size, burst, pairs })));
  return [{ size: Math.min(...sizes), burst: 1, pairs, alone: true }, ...streams];
}

const rounded = (value: number): number => Number(value.toPrecision(3));

/** One relay's line: `waymeet` is the summary of waymeet's cost in the same rounds. */
export function rowOf(shape: Shape, name: string, samples: Sample[], waymeet: number | undefined): Row {
  const cost: Summary = summary(samples.map(({ microsecondsPerFrame }) => microsecondsPerFrame));
  const rate = median(samples.map(({ framesPerSecond }) => framesPerSecond));
  const limits = samples.map(bottleneck);
  return {
    bytes: shape.size,
    burst: shape.alone ? ALONE : shape.burst,
    pairs: shape.pairs,
    relay: name,
    "CPU µs/frame": rounded(cost.median),
    quartiles: `${rounded(cost.low)}–${rounded(cost.high)}`,
    "÷ waymeet": waymeet === undefined ? "" : rounded(cost.median / waymeet),
    "frames/s per core": Math.round(1e6 / cost.median),
    "frames/s": Math.round(rate),
    "rate limited by": [...new Set(limits)].join("+"),
    lost: samples.reduce((sum, { lost }) => sum + lost, 0),
  };
}

/** Of one number of pairs, the one in the middle: all of them would be a wall of bars. */
export function chartOf(all: Row[], pairs: number[]): Chart {
  const rows = all.filter((row) => row.pairs === pairs[Math.floor(pairs.length / 2)]);
  const keys = [...new Set(rows.map(labelOf))];
  return {
    title: "CPU of the relay for one relayed frame (shorter is better)",
    unit: "µs",
    groups: keys.map((label) => ({
      label,
      bars: rows.filter((row) => labelOf(row) === label)
        .map((row) => ({ name: String(row.relay), value: Number(row["CPU µs/frame"]) })),
    })),
  };
}

function labelOf({ bytes, burst, pairs }: Row): string {
  const times = burst === ALONE ? " alone" : Number(burst) > 1 ? ` × ${burst}` : "";
  return `${bytes} B${times}, ${pairs} pair${pairs === 1 ? "" : "s"}`;
}

export const relay: Bench = {
  about: "frames a second and CPU of the relay's process for each frame",
  async run({ rounds, milliseconds, sizes, pairs, only }, tell) {
    const { taking, ...rest } = field(only);
    const rows: Row[] = [];
    for (const count of pairs) {
      const entries = await enter(taking, count);
      for (const shape of shapes(sizes, count)) {
        tell(
          `relay: ${shape.size} bytes, ${shape.alone ? ALONE : `bursts of ${shape.burst}`}, ${count} pairs`,
        );
        const measured = await takeTurns(
          entries,
          rounds,
          (entry) => saturate([entry.relay.pid], entry.pairs, shape, milliseconds),
        );
        rows.push(...rowsOf(shape, measured));
      }
      leave(entries);
    }
    return { ...rest, rows, chart: chartOf(rows, pairs), notes: NOTES };
  },
};

function rowsOf(shape: Shape, measured: Map<Entry, Sample[]>): Row[] {
  const cost = (samples: Sample[]) => median(samples.map(({ microsecondsPerFrame }) => microsecondsPerFrame));
  const ours = [...measured].find(([{ opponent }]) => opponent.name === "waymeet");
  return [...measured].map(([{ opponent }, samples]) =>
    rowOf(shape, opponent.name, samples, ours && cost(ours[1]))
  );
}

const NOTES: string[] = [
  "CPU: of the relay's whole process, kernel included; median and quartiles of the rounds.",
  "frames/s per core: what one core carries at that cost. frames/s: what was carried beside everything else on the machine.",
  "rate limited by: relay = it had its core; generator = this benchmark had no more to give; machine = others had the cores.",
  "lost: never arrived, for instance because a relay ended connections; such a row compares nothing.",
  "burst: frames that are there at once. waymeet sends them as one message; the others have no such form. alone: the next one is sent when this one has arrived; the others keep a window full.",
];
