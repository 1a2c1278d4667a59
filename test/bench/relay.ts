/**
 * What relaying costs a node on Bun: frames a second, and microseconds of the node's
 * processor for each frame, beside a bare Bun WebSocket forwarder that knows no frames.
 * The two take turns, so that a noisy machine is noisy for both; medians are printed.
 *
 *     npx tsx test/bench/relay.ts [rounds] [milliseconds]
 */
import process from "node:process";
import { WebSocket } from "ws";
import { encodeData } from "../../src/wire/data_frame.ts";
import { dialling, type TestPeer, until } from "../rendezvous/peers.ts";
import { connect } from "../rendezvous/runtime.ts";
import { type Lane, measure, median, rounds, server } from "./lanes.ts";

const [count = 5, duration = 700] = process.argv.slice(2).map(Number);
const SIZES = [64, 1024, 16_384];
const BURSTS = [1, 16];

async function nodeLane(): Promise<Lane> {
  const { child, url } = await server("bun", "idle_node.ts", "bun");
  const [a, b]: TestPeer[] = [await dialling(url, connect), await dialling(url, connect)];
  await until(() => a!.isReady && b!.isReady);
  const frame = (payload: Uint8Array) => encodeData(b!.key, payload);
  const lane: Lane = {
    name: "waymeet",
    children: [child],
    send: (message) => void a!.session.sendBatch(message),
    frame,
    arrived: 0,
  };
  b!.data = () => void lane.arrived++;
  return lane;
}

/** Counts the frames of a message by their size: it knows nothing else about them. */
async function bareLane(): Promise<Lane> {
  const { child, url } = await server("bun", "bare_forwarder.ts");
  const [a, b] = [new WebSocket(url), new WebSocket(url)];
  await until(() => a.readyState === 1 && b.readyState === 1);
  let size = 1;
  const frame = (payload: Uint8Array) => {
    const bytes = encodeData(new Uint8Array(32), payload);
    size = bytes.length;
    return bytes;
  };
  const send = (message: Uint8Array) => a.send(message);
  const lane: Lane = { name: "bare", children: [child], send, frame, arrived: 0 };
  b.on("message", (data: Uint8Array) => lane.arrived += data.length / size);
  return lane;
}

const lanes = [await nodeLane(), await bareLane()];
for (const size of SIZES) {
  for (const burst of BURSTS) {
    const samples = await rounds(lanes, count, (lane) => measure(lane, size, burst, duration));
    const row: Record<string, number> = { payload: size, burst };
    for (const [{ name }, list] of samples) {
      row[`${name} frames/s`] = Math.round(median(list.map((sample) => sample.framesPerSecond)));
      row[`${name} µs/frame`] = Number(median(list.map((sample) => sample.microsecondsPerFrame)).toFixed(2));
    }
    console.log(JSON.stringify(row));
  }
}
for (const { children } of lanes) for (const child of children) child.kill("SIGKILL");
process.exit(0);
