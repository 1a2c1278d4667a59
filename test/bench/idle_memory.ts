/**
 * What an idle peer costs a node: resident memory of a node's process per authenticated
 * session. Prints one line of JSON.
 *
 *     npx tsx test/bench/idle_memory.ts [bun|deno|node] [peers] [seconds to rest]
 *
 * The peers live in this process, the node in one of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { generateIdentity } from "../../src/identity/identity.ts";
import { systemClock } from "../../src/session/clock.ts";
import { dialSession } from "../../src/session/dial.ts";
import { connect } from "../rendezvous/runtime.ts";
import { runtimes } from "../runtimes.ts";
import { residentSize } from "./machine.ts";

const [name = "bun", count = "5000", rest = "5"] = process.argv.slice(2);
const peers = Number(count);
/** Handshakes at once. */
const ABREAST = 50;

interface Ready {
  url: string;
  pid: number;
}

async function startNode(): Promise<{ child: ChildProcess; ready: Ready }> {
  const runtime = runtimes().find((one) => one.name === name);
  if (runtime === undefined) throw new Error(`no runtime is called ${name}; there are bun, deno and node`);
  const [program, ...args] = runtime.command;
  const script = fileURLToPath(new URL("bench_node.ts", import.meta.url));
  const child = spawn(program!, [...args, script, name, "idle"], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) return { child, ready: JSON.parse(line) as Ready };
  throw new Error("the node ended before it was ready");
}

async function meet(url: string): Promise<void> {
  const identity = await generateIdentity();
  await new Promise<void>((ready, reject) =>
    dialSession({
      url,
      identity,
      network: "default",
      instance: crypto.getRandomValues(new Uint8Array(16)),
      started: Date.now(),
      agent: "bench/1",
      connect,
      clock: systemClock,
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      handlers: {
        ready: () => ready(),
        data() {},
        control() {},
        closed: (_, end) => reject(new Error(`a session ended: ${end.text}`)),
      },
    })
  );
}

async function meetMany(url: string, number: number): Promise<void> {
  let left = number;
  const one = async () => {
    while (left-- > 0) await meet(url);
  };
  await Promise.all(Array.from({ length: ABREAST }, one));
}

const { child, ready } = await startNode();
// The first sessions load and compile the code, which is no cost of a peer.
const warm = Math.min(200, peers);
await meetMany(ready.url, warm);
await sleep(Number(rest) * 1000);
const before = residentSize(ready.pid);
const start = performance.now();
await meetMany(ready.url, peers - warm);
const took = performance.now() - start;
const peak = residentSize(ready.pid);
await sleep(Number(rest) * 1000);
const after = residentSize(ready.pid);
const sessions = /^waymeet_sessions (\d+)$/m.exec(
  await (await fetch(`${ready.url.replace("ws:", "http:")}/metrics`)).text(),
);
console.log(JSON.stringify({
  runtime: name,
  peers: Number(sessions?.[1]),
  kibPerPeer: Number(((after - before) / (peers - warm)).toFixed(2)),
  kibPerPeerAtPeak: Number(((peak - before) / (peers - warm)).toFixed(2)),
  residentKib: { before, after },
  handshakesPerSecond: Math.round((peers - warm) / took * 1000),
}));
child.kill("SIGKILL");
process.exit(0);
