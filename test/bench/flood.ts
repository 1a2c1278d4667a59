/**
 * `npm run bench -- flood -- [--total 50000] [--at-once 10000] [--sources 1,64] [--rounds 3] [--silent]`: unauthenticated handshakes
 * against waymeet's node and a bare Bun WebSocket server in turns, while a pair exchanges messages: their delays, the
 * server's memory, how long honest newcomers took, and whether each stranger was counted. The strangers' process is the
 * less urgent one to the kernel, lest it be measured how two cores share three processes.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity } from "../../src/identity/identity.ts";
import { dialerOf } from "../../src/session/ws.node.ts";
import { encodeAuth, encodeAuthBody } from "../../src/wire/frames.ts";
import { Reason, Role } from "../../src/wire/protocol.ts";
import { dialling } from "../rendezvous/peers.ts";
import { hex } from "../wire/notation.ts";
import { runtimes } from "../runtimes.ts";
import { machine, processorTime, residentSize } from "./machine.ts";
import { bare, waymeet } from "./opponents/bun.ts";
import type { Opponent, Pair, Running } from "./opponents/opponent.ts";
import { median, quantile } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    total: { type: "string", default: "50000" },
    "at-once": { type: "string", default: "10000" },
    sources: { type: "string", default: "1,64" },
    rounds: { type: "string", default: "3" },
    silent: { type: "boolean", default: false },
  },
});
/** Milliseconds between two messages of the pair, and bytes of each. */
const PACE = 5;
const SIZE = 64;
/** Milliseconds for what is under way to arrive. */
const PATIENCE = 10_000;
const network = "default";

interface Flood {
  answers: Record<string, number>;
  seconds: number;
  peak: number;
}
interface Round {
  name: string;
  sources: number;
  calm99: number;
  flood50: number;
  flood99: number;
  lost: number;
  memoryMb: { before: number; peak: number; after: number };
  /** Microseconds of the server's processor time for each stranger, those of the pair's messages within. */
  microseconds: number;
  counted: Record<string, number>;
  /** Connections that the kernel dropped because the server did not take them up in time. */
  unheard: number;
  /** Milliseconds until an honest newcomer, who comes again after a second, had its session. */
  newcomers: { p50: number; max: number; count: number };
  flood: Flood;
}

/** An auth that looks right, by somebody who has no key: it costs the node one check. */
async function forgedAuth(port: number): Promise<{ path: string; message: string }> {
  const { id, publicKey } = await generateIdentity();
  const body = encodeAuthBody({
    ...{ id: publicKey, role: Role.peer, instance: new Uint8Array(16), started: Date.now(), network },
    ...{
      challenge: new Uint8Array(32),
      host: `127.0.0.1:${port}`,
      agent: "flood/1",
      features: [],
      token: null,
    },
  });
  return { path: `/v1/connect/${id}`, message: hex(encodeAuth(body, new Uint8Array(64).fill(1))) };
}

async function strangers(port: number, sources: number, path: string, message: string): Promise<Flood> {
  const [program, ...args] = runtimes().find(({ name }) => name === "node")!.command;
  const script = fileURLToPath(new URL("flood_strangers.ts", import.meta.url));
  const words = [port, values.total, values["at-once"], sources, path, message].map(String);
  if (values.silent) words.pop(); // strangers who say nothing
  const child = spawn(program!, [...args, script, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  setPriority(child.pid!, constants.priority.PRIORITY_LOW);
  for await (const line of createInterface(child.stdout!)) return JSON.parse(line);
  throw new Error("the strangers ended without a word");
}

/** Failed handshakes by reason, as the node's metrics have them. */
async function failures(port: number): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.matchAll(/^waymeet_handshake_failures_total\{reason="(.*)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason!, Number(count)]));
}

/** Connections to listeners whose queue was full, on this machine since it runs; 0 where that is not told. */
function overflows(): number {
  if (!existsSync("/proc/net/netstat")) return 0;
  const [names, numbers] = readFileSync("/proc/net/netstat", "utf8").split("\n").map((line) =>
    line.split(" ")
  );
  return Number(numbers![names!.indexOf("ListenOverflows")]);
}

/** A message every so often as long as wanted; the milliseconds of each until it arrived, and how many did not. */
async function talk(pair: Pair, goesOn: () => boolean): Promise<{ delays: number[]; lost: number }> {
  const [bytes, times, delays]: [Uint8Array, number[], number[]] = [pair.burst(SIZE, 1), [], []];
  pair.arrived = (count) => {
    const now = performance.now();
    for (const time of times.splice(0, count)) delays.push(now - time);
  };
  for (let due = performance.now(); goesOn(); await sleep(due - performance.now())) {
    for (; due <= performance.now(); due += PACE) {
      times.push(due); // what could not be sent in time was late already
      pair.write(bytes);
    }
  }
  for (const end = performance.now() + PATIENCE; times.length > 0 && performance.now() < end;) {
    await sleep(PACE);
  }
  return { delays, lost: times.length };
}

/** One after the other; each comes again after a second until it is let in. */
async function newcomers(relay: Running, goesOn: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (goesOn()) {
    const start = performance.now();
    while (!(await arrives(relay))) await sleep(1_000);
    times.push(performance.now() - start);
    await sleep(200);
  }
  return times;
}

async function arrives(relay: Running): Promise<boolean> {
  const peer = await dialling(`ws://127.0.0.1:${relay.port}`, dialerOf(PATIENCE));
  while (!peer.isReady && peer.end === undefined) await sleep(2);
  const { isReady } = peer;
  peer.session.close(Reason.none);
  return isReady;
}

async function round(opponent: Opponent, relay: Running, sources: number): Promise<Round> {
  const pair = await opponent.pair(relay);
  const start = performance.now();
  const calm = await talk(pair, () => performance.now() - start < 3_000);
  const isNode = opponent === waymeet;
  const { path, message } = isNode ? await forgedAuth(relay.port) : { path: "/stranger%", message: "f6" };
  const before = residentSize(relay.pid);
  const [counts, overflowed] = [isNode ? await failures(relay.port) : {}, overflows()];
  let [peak, over] = [before, false];
  const watching = (async () => {
    for (; !over; await sleep(100)) peak = Math.max(peak, residentSize(relay.pid));
  })();
  const worked = processorTime(relay.pid);
  const flooding = strangers(relay.port, sources, path, message).finally(() => over = true);
  const coming = isNode ? newcomers(relay, () => !over) : Promise.resolve([0]);
  const { delays, lost } = await talk(pair, () => !over);
  const [flood, times] = [await flooding, await coming];
  await watching;
  const microseconds = Math.round((processorTime(relay.pid) - worked) / Number(values.total));
  await sleep(7_000); // the last handshakes' deadlines
  const after = isNode ? await failures(relay.port) : {};
  const counted = Object.fromEntries(
    Object.entries(after).map(([reason, count]) => [reason, count - (counts[reason] ?? 0)]),
  );
  pair.close();
  const mb = (kib: number) => Math.round(kib / 1024);
  return {
    ...{ name: opponent.name, sources, microseconds, counted, unheard: overflows() - overflowed, flood },
    ...{
      calm99: quantile(calm.delays, 0.99),
      flood50: median(delays),
      flood99: quantile(delays, 0.99),
      lost,
    },
    newcomers: { p50: median(times), max: Math.max(...times), count: times.length },
    memoryMb: { before: mb(before), peak: mb(peak), after: mb(residentSize(relay.pid)) },
  };
}

const relays = await Promise.all([waymeet, bare].map(async (opponent) => ({
  opponent,
  relay: await opponent.start("public"),
})));
console.log(JSON.stringify({ machine: machine(), ...values }));
for (const sources of values.sources.split(",").map(Number)) {
  const ratios: number[] = [];
  for (let i = 0; i < Number(values.rounds); i++) {
    const rounds: Round[] = [];
    for (const { opponent, relay } of relays) rounds.push(await round(opponent, relay, sources));
    for (const each of rounds) console.log(JSON.stringify(each));
    ratios.push(rounds[0]!.flood99 / rounds[1]!.flood99);
  }
  console.log(JSON.stringify({ sources, ratiosOfP99: ratios.map((ratio) => Number(ratio.toFixed(2))) }));
}
for (const { relay } of relays) relay.stop();
process.exit(0);
