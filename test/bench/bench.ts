/** What a benchmark is, and what it tells. */
import type { Chart } from "./plot.ts";
import { type Machine, machine } from "./machine.ts";
import { bare, waymeet } from "./opponents/bun.ts";
import { coturn } from "./opponents/coturn.ts";
import { derper } from "./opponents/derper.ts";
import { irohRelay } from "./opponents/iroh_relay.ts";
import { nats } from "./opponents/nats.ts";
import type { Opponent } from "./opponents/opponent.ts";
import { peerjs } from "./opponents/peerjs.ts";

export type Row = Record<string, string | number>;

export interface Options {
  /** Rounds that count; one more warms up. */
  rounds: number;
  /** Milliseconds of one run. */
  milliseconds: number;
  sizes: number[];
  pairs: number[];
  /** Connections, for what is measured of many. */
  count: number;
  /** Names of those that take part; all without. */
  only: string[] | undefined;
}

export interface Report {
  bench: string;
  machine: Machine;
  versions: Record<string, string>;
  /** Who is not installed here, and the command that changes it. */
  notMeasured: Record<string, string>;
  rows: Row[];
  chart?: Chart;
  /** How to read the rows. */
  notes: string[];
}

export interface Bench {
  about: string;
  run(options: Options, tell: (line: string) => void): Promise<Omit<Report, "bench" | "machine">>;
}

const OPPONENTS: readonly Opponent[] = [waymeet, bare, nats, derper, irohRelay, peerjs, coturn];

export interface Field {
  taking: Opponent[];
  versions: Record<string, string>;
  notMeasured: Record<string, string>;
}

/** Who takes part: those asked for that are installed. */
export function field(only: string[] | undefined, all: readonly Opponent[] = OPPONENTS): Field {
  const unknown = only?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new TypeError(`--only knows ${all.map(({ name }) => name).join(", ")}, not "${unknown}"`);
  }
  const asked = all.filter(({ name }) => only?.includes(name) ?? true);
  const taking = asked.filter((one) => one.installed());
  return {
    taking,
    versions: Object.fromEntries(taking.map((one) => [one.name, one.version()])),
    notMeasured: Object.fromEntries(
      asked.filter((one) => !taking.includes(one)).map(({ name, install }) => [name, install]),
    ),
  };
}

export async function perform(name: string, bench: Bench, options: Options): Promise<Report> {
  const before = machine();
  const report = await bench.run(options, (line) => console.error(line));
  const load = Math.max(before.load, machine().load);
  return { bench: name, machine: { ...before, load }, ...report };
}
