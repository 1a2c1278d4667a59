/**
 * What relaying costs a node on Bun: frames a second, and microseconds of the node's
 * processor for each frame, beside a bare Bun WebSocket forwarder that knows no frames.
 * The two take turns, so that a noisy machine is noisy for both; medians are printed.
 *
 *     npx tsx test/bench/relay.ts [rounds] [milliseconds]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { encodeData } from "../../src/wire/data_frame.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { dialling, type TestPeer, until } from "../rendezvous/peers.ts";
import { connect } from "../rendezvous/runtime.ts";
import { runtimes } from "../runtimes.ts";

const [rounds = 5, duration = 700] = process.argv.slice(2).map(Number);
const SIZES = [64, 1024, 16_384];
const BURSTS = [1, 16];
/** Bytes under way at once: below the queues' limits, enough to keep the node busy. */
const WINDOW = 1_000_000;
/** Linux counts processor time in hundredths of a second. */
const TICK_MICROSECONDS = 10_000;

/** One sender, one receiver, and the server between them. */
interface Lane {
  name: string;
  child: ChildProcess;
  /** Sends one message of so many frames. */
  send(message: Uint8Array): void;
  frame(payload: Uint8Array): Uint8Array;
  /** Frames that arrived. */
  arrived: number;
}

async function server(script: string, ...words: string[]): Promise<{ child: ChildProcess; url: string }> {
  const [program, ...args] = runtimes().find(({ name }) => name === "bun")!.command;
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(program!, [...args, path, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) return { child, url: JSON.parse(line).url };
  throw new Error(`${script} ended before it was ready`);
}

async function nodeLane(): Promise<Lane> {
  const { child, url } = await server("idle_node.ts", "bun");
  const [a, b]: TestPeer[] = [await dialling(url, connect), await dialling(url, connect)];
  await until(() => a!.isReady && b!.isReady);
  const frame = (payload: Uint8Array) => encodeData(b!.key, payload);
  const lane: Lane = {
    name: "waymeet",
    child,
    send: (message) => void a!.session.sendBatch(message),
    frame,
    arrived: 0,
  };
  b!.data = () => void lane.arrived++;
  return lane;
}

/** Counts the frames of a message by their size: it knows nothing else about them. */
async function bareLane(): Promise<Lane> {
  const { child, url } = await server("bare_forwarder.ts");
  const [a, b] = [new WebSocket(url), new WebSocket(url)];
  await until(() => a.readyState === 1 && b.readyState === 1);
  let size = 1;
  const frame = (payload: Uint8Array) => {
    const bytes = encodeData(new Uint8Array(32), payload);
    size = bytes.length;
    return bytes;
  };
  const lane: Lane = { name: "bare", child, send: (message) => a.send(message), frame, arrived: 0 };
  b.on("message", (data: Uint8Array) => lane.arrived += data.length / size);
  return lane;
}

interface Sample {
  framesPerSecond: number;
  microsecondsPerFrame: number;
}

async function measure(lane: Lane, size: number, burst: number): Promise<Sample> {
  const message = concatFrames(Array.from({ length: burst }, () => lane.frame(new Uint8Array(size))));
  const window = Math.max(burst * 2, Math.floor(WINDOW / size / burst) * burst);
  lane.arrived = 0;
  let sent = 0;
  const start = performance.now();
  const cpu = processorTime(lane.child.pid!);
  while (performance.now() - start < duration) {
    while (sent - lane.arrived < Math.min(window, 4096)) {
      lane.send(message);
      sent += burst;
    }
    await new Promise(setImmediate);
  }
  await until(() => lane.arrived >= sent);
  const seconds = (performance.now() - start) / 1000;
  return {
    framesPerSecond: sent / seconds,
    microsecondsPerFrame: (processorTime(lane.child.pid!) - cpu) / sent,
  };
}

/** Microseconds that a process and the system for it have worked (proc(5), fields 14 and 15). */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

const lanes = [await nodeLane(), await bareLane()];
for (const size of SIZES) {
  for (const burst of BURSTS) {
    const samples = new Map(lanes.map((lane) => [lane, [] as Sample[]]));
    for (let round = -1; round < rounds; round++) {
      for (const lane of lanes) {
        const sample = await measure(lane, size, burst);
        if (round >= 0) samples.get(lane)!.push(sample); // the first one warms up
        await sleep(20);
      }
    }
    const row: Record<string, number> = { payload: size, burst };
    for (const [{ name }, list] of samples) {
      row[`${name} frames/s`] = Math.round(median(list.map((sample) => sample.framesPerSecond)));
      row[`${name} µs/frame`] = Number(median(list.map((sample) => sample.microsecondsPerFrame)).toFixed(2));
    }
    console.log(JSON.stringify(row));
  }
}
for (const { child } of lanes) child.kill("SIGKILL");
process.exit(0);
