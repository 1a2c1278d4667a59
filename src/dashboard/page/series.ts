import type { Sample } from "../../rendezvous/history.ts";

/** Columns as uPlot wants them; the first is seconds since 1970. */
export interface Series {
  times: number[];
  sessions: number[];
  framesPerSecond: number[];
  megabytesPerSecond: number[];
  droppedPerSecond: number[];
}

/** Counters become rates; a counter that fell (the node was restarted) counts from zero. Pure. */
export function seriesOf(samples: Sample[]): Series {
  const rate = (read: (sample: Sample) => number) =>
    samples.map((sample, i) => {
      const before = samples[i - 1];
      if (!before) return 0;
      const grown = read(sample) - read(before);
      return (grown < 0 ? read(sample) : grown) / ((sample.at - before.at) / 1000);
    });
  return {
    times: samples.map(({ at }) => at / 1000),
    sessions: samples.map(({ sessions }) => sessions),
    framesPerSecond: rate(({ framesOut }) => framesOut),
    megabytesPerSecond: rate(({ bytesOut }) => bytesOut / 1e6),
    droppedPerSecond: rate(({ dropped }) => dropped),
  };
}
