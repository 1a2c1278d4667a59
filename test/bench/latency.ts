/** How long a frame takes at half of what each relay carries here: its own capacity, found just before. */
import { type Bench, field, type Row } from "./bench.ts";
import { pace, percentiles, saturate, type Shape } from "./load.ts";
import { enter, type Entry, leave } from "./relay.ts";
import { median, takeTurns } from "./statistics.ts";

interface Delay {
  rate: number;
  p50: number;
  p99: number;
}

/** Half of the rate that the same pairs carried at full load. */
async function atHalfLoad({ relay, pairs }: Entry, shape: Shape, milliseconds: number): Promise<Delay> {
  const { framesPerSecond } = await saturate([relay.pid], pairs, shape, milliseconds);
  const rate = framesPerSecond / 2;
  return { rate, ...percentiles(await pace(pairs, shape, rate, milliseconds)) };
}

export const latency: Bench = {
  about: "p50 and p99 of a frame's way at half load",
  async run({ rounds, milliseconds, sizes, pairs, only }, tell) {
    const { taking, ...rest } = field(only);
    const rows: Row[] = [];
    for (const count of pairs) {
      const entries = await enter(taking, count);
      for (const size of sizes) {
        const shape = { size, burst: 1, pairs: count };
        tell(`latency: ${size} bytes, ${count} pairs`);
        const measured = await takeTurns(entries, rounds, (entry) => atHalfLoad(entry, shape, milliseconds));
        for (const [{ opponent }, delays] of measured) rows.push(rowOf(shape, opponent.name, delays));
      }
      leave(entries);
    }
    return { ...rest, rows, notes: NOTES };
  },
};

function rowOf({ size, pairs }: Shape, name: string, delays: Delay[]): Row {
  const of = (key: keyof Delay) => Math.round(median(delays.map((delay) => delay[key])));
  return {
    bytes: size,
    pairs,
    relay: name,
    "frames/s": of("rate"),
    "p50 µs": of("p50"),
    "p99 µs": of("p99"),
  };
}

const NOTES: string[] = [
  "From the sender's write to the turn of the event loop in which the receiver, in the same process, sees the frame; medians of the rounds.",
  "On a machine that others use p99 says how long those keep a core.",
];
