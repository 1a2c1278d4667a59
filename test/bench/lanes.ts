/** Ways for frames through server processes, and what they cost those. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { concatFrames } from "../../src/wire/sequence.ts";
import { until } from "../rendezvous/peers.ts";
import { type RuntimeName, runtimes } from "../runtimes.ts";
import { processorTime } from "./machine.ts";

/** Bytes under way at once: below the queues' limits, enough to keep the servers busy. */
const WINDOW = 1_000_000;

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
  const cpu = processorTimeOf(lane);
  while (performance.now() - start < duration) {
    while (sent - lane.arrived < Math.min(window, 4096)) {
      lane.send(message);
      sent += burst;
    }
    await new Promise(setImmediate);
  }
  await until(() => lane.arrived >= sent);
  const seconds = (performance.now() - start) / 1000;
  return { framesPerSecond: sent / seconds, microsecondsPerFrame: (processorTimeOf(lane) - cpu) / sent };
}

function processorTimeOf({ children }: Lane): number {
  return children.reduce((sum, { pid }) => sum + processorTime(pid!), 0);
}
