/**
 * What `waymeet serve --workers 2` costs: pairs of peers that the system spreads over the workers at
 * random, so that about half of the frames cross from one to the other, beside the same pairs at one node.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";
import type { Bench, Row } from "./bench.ts";
import { type Sample, saturate, type Shape } from "./load.ts";
import { processorTime } from "./machine.ts";
import { bunVersion, recordedPair } from "./opponents/bun.ts";
import type { Pair } from "./opponents/opponent.ts";
import { freePort, runningOf, scratchFolder } from "./opponents/process.ts";
import { median, takeTurns } from "./statistics.ts";

const SHAPES: readonly [size: number, burst: number][] = [[64, 1], [64, 16], [1_024, 1], [1_024, 16], [
  16_384,
  1,
]];
/**
 * The system throws a coin for each connection: of the 512 a worker gets 256, give or take 11 (a standard deviation),
 * so that the busier one has 1.07 times as many on average, and more than 1.2 times in one run of 25.
 */
const PAIRS = 256;
/**
 * Bytes under way through one pair, if they are two bursts: even of the longest a quarter of all, which is what goes one
 * way between two workers, is below the queue of the one session between them.
 */
const WINDOW = 400_000 / PAIRS;
/** Milliseconds of work at each shape before the first that counts: two processes have to compile what one did before. */
const WARM = 3_000;
/** Milliseconds for workers to meet and to tell each other whom they have. */
const MEETING = 3_000;

interface Lane {
  name: string;
  pids: number[];
  pairs: Pair[];
  stop(): void;
}

interface Spread extends Sample {
  /** The busiest process's processor time as a multiple of the least busy one's. */
  uneven: number;
}

async function lane(name: string, ...words: string[]): Promise<Lane> {
  const port = await freePort();
  const [bun, ...args] = runtimes().find((one) => one.name === "bun")!.command;
  const script = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const key = join(scratchFolder("bench"), "node.pem");
  const options = ["serve", "--port", String(port), "--stun", "off", "--key", key, "--log-level", "error"];
  const child = spawn(bun!, [...args, script, ...options, "--json", ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const running = runningOf(child, port);
  for await (const _ of createInterface(child.stdout)) break; // it is ready
  await sleep(MEETING);
  const pairs = await Promise.all(Array.from({ length: PAIRS }, () => recordedPair(running)));
  await sleep(MEETING);
  return { name, pids: workersOf(child.pid!), pairs, stop: () => void child.kill("SIGTERM") };
}

/** The processes below, or the process itself where there are none. */
function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.length === 0 ? [pid] : children.map(Number);
}

async function measure({ pids, pairs }: Lane, shape: Shape, duration: number): Promise<Spread> {
  const before = pids.map(processorTime);
  const sample = await saturate(pids, pairs, shape, duration);
  const spent = pids.map((pid, i) => processorTime(pid) - before[i]!);
  return { ...sample, uneven: Math.max(...spent) / Math.min(...spent) };
}

export const workers: Bench = {
  about: "a frame relayed by two workers behind one port, beside one node",
  async run({ rounds, milliseconds }, tell) {
    const lanes = [await lane("one node"), await lane("2 workers", "--workers", "2")];
    const rows: Row[] = [];
    for (const [size, burst] of SHAPES) {
      tell(`workers: ${size} bytes, bursts of ${burst}`);
      const shape = { size, burst, pairs: PAIRS, window: WINDOW, even: true };
      for (const each of lanes) await measure(each, shape, WARM);
      const samples = await takeTurns(lanes, rounds, (each) => measure(each, shape, milliseconds));
      rows.push(...rowsOf(shape, lanes.map((each) => ({ name: each.name, samples: samples.get(each)! }))));
    }
    for (const each of lanes) each.stop();
    return { versions: { waymeet: bunVersion() }, notMeasured: {}, rows, notes: NOTES };
  },
};

function rowsOf({ size, burst }: Shape, lanes: { name: string; samples: Spread[] }[]): Row[] {
  const costs = lanes.map(({ samples }) =>
    median(samples.map(({ microsecondsPerFrame }) => microsecondsPerFrame))
  );
  return lanes.map(({ name, samples }, i) => ({
    bytes: size,
    burst,
    relay: name,
    "CPU µs/frame": Number(costs[i]!.toPrecision(3)),
    "frames per CPU second": Math.round(1e6 / costs[i]!),
    "of one node's": Number((costs[0]! / costs[i]!).toFixed(2)),
    "busiest ÷ idlest": Number(median(samples.map(({ uneven }) => uneven)).toFixed(2)),
    lost: samples.reduce((sum, { lost }) => sum + lost, 0),
  }));
}

const NOTES: string[] = [
  `${PAIRS} pairs; with two workers half of them have their peers at different ones, by the system's choice.`,
  "Chance alone gives the busier worker 1.07 times the connections of the other one, and more than 1.2 in one run of 25.",
  "CPU: of all processes that relay, kernel included; medians of the rounds.",
];
