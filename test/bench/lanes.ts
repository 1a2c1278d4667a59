/** Ways for frames through server processes, and what they cost those. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { concatFrames } from "../../src/wire/sequence.ts";
import { until } from "../rendezvous/peers.ts";
import { type RuntimeName, runtimes } from "../runtimes.ts";

/** Bytes under way at once: below the queues' limits, enough to keep the servers busy. */
const WINDOW = 1_000_000;
/** Linux counts processor time in hundredths of a second. */
const TICK_MICROSECONDS = 10_000;

/** One sender, one receiver, and the servers between them. */
export interface Lane {
  name: string;
  children: ChildProcess[];
  /** Sends one message of so many frames. */
  send(message: Uint8Array): void;
  frame(payload: Uint8Array): Uint8Array;
  /** Frames that arrived. */
  arrived: number;
}

export interface Sample {
  framesPerSecond: number;
  /** Of all the lane's servers together. */
  microsecondsPerFrame: number;
}

/** Starts a script of this folder that tells its URL as its first line. */
export async function server(
  runtime: RuntimeName,
  script: string,
  ...words: string[]
): Promise<{ child: ChildProcess; url: string }> {
  const [program, ...args] = runtimes().find(({ name }) => name === runtime)!.command;
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(program!, [...args, path, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) return { child, url: JSON.parse(line).url };
  throw new Error(`${script} ended before it was ready`);
}

/** Sends bursts of such frames for `duration` ms. */
export async function measure(lane: Lane, size: number, burst: number, duration: number): Promise<Sample> {
  const message = concatFrames(Array.from({ length: burst }, () => lane.frame(new Uint8Array(size))));
  const window = Math.max(burst * 2, Math.floor(WINDOW / size / burst) * burst);
  lane.arrived = 0;
  let sent = 0;
  const start = performance.now();
  const cpu = processorTime(lane);
  while (performance.now() - start < duration) {
    while (sent - lane.arrived < Math.min(window, 4096)) {
      lane.send(message);
      sent += burst;
    }
    await new Promise(setImmediate);
  }
  await until(() => lane.arrived >= sent);
  const seconds = (performance.now() - start) / 1000;
  return { framesPerSecond: sent / seconds, microsecondsPerFrame: (processorTime(lane) - cpu) / sent };
}

/** The lanes take turns, so that a noisy machine is noisy for all; the first round warms up. */
export async function rounds(
  lanes: Lane[],
  count: number,
  one: (lane: Lane) => Promise<Sample>,
): Promise<Map<Lane, Sample[]>> {
  const samples = new Map(lanes.map((lane) => [lane, [] as Sample[]]));
  for (let round = -1; round < count; round++) {
    for (const lane of lanes) {
      const sample = await one(lane);
      if (round >= 0) samples.get(lane)!.push(sample);
      await sleep(20);
    }
  }
  return samples;
}

/** Microseconds that the servers and the system for them have worked (proc(5), fields 14 and 15). */
function processorTime({ children }: Lane): number {
  const ticks = children.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MICROSECONDS;
}

export function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
