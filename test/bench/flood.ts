/**
 * `npm run bench -- flood -- [--total 50000] [--at-once 10000] [--sources 1,64] [--rounds 3]`: unauthenticated handshakes
 * against waymeet's node and a bare Bun WebSocket server in turns, while a pair exchanges messages: their delays, the
 * server's memory, and whether each refusal was counted.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity } from "../../src/identity/identity.ts";
import { encodeAuth, encodeAuthBody } from "../../src/wire/frames.ts";
import { Role } from "../../src/wire/protocol.ts";
import { hex } from "../wire/notation.ts";
import { runtimes } from "../runtimes.ts";
import { pace } from "./load.ts";
import { machine, processorTime, residentSize } from "./machine.ts";
import { bare, waymeet } from "./opponents/bun.ts";
import type { Opponent, Running } from "./opponents/opponent.ts";
import { median, quantile } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    total: { type: "string", default: "50000" },
    "at-once": { type: "string", default: "10000" },
    sources: { type: "string", default: "1,64" },
    rounds: { type: "string", default: "3" },
  },
});
/** Messages a second of the pair, and bytes of each. */
const RATE = 200;
const SIZE = 64;
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
  memoryMb: { before: number; peak: number; after: number };
  /** Microseconds of the server's processor time for each stranger, those of the pair's messages within. */
  microseconds: number;
  counted: Record<string, number>;
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
  const child = spawn(program!, [...args, script, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout!)) return JSON.parse(line);
  throw new Error("the strangers ended without a word");
}

/** Failed handshakes by reason, as the node's metrics have them. */
async function failures(port: number): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.matchAll(/^waymeet_handshake_failures_total\{reason="(.*)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason!, Number(count)]));
}

async function round(opponent: Opponent, relay: Running, sources: number): Promise<Round> {
  const pair = await opponent.pair(relay);
  const shape = { size: SIZE, burst: 1, pairs: 1 };
  const calm = await pace([pair], shape, RATE, 3_000);
  const isNode = opponent === waymeet;
  const { path, message } = isNode ? await forgedAuth(relay.port) : { path: "/stranger%", message: "f6" };
  const before = residentSize(relay.pid);
  const counts = isNode ? await failures(relay.port) : {};
  let [peak, over] = [before, false];
  const watching = (async () => {
    for (; !over; await sleep(100)) peak = Math.max(peak, residentSize(relay.pid));
  })();
  const worked = processorTime(relay.pid);
  const flooding = strangers(relay.port, sources, path, message).finally(() => over = true);
  const delays: number[] = [];
  while (!over) delays.push(...await pace([pair], shape, RATE, 500));
  const flood = await flooding;
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
    ...{ name: opponent.name, sources, microseconds, counted, flood },
    ...{ calm99: quantile(calm, 0.99), flood50: median(delays), flood99: quantile(delays, 0.99) },
    memoryMb: { before: mb(before), peak: mb(peak), after: mb(residentSize(relay.pid)) },
  };
}

const relays = await Promise.all([waymeet, bare].map(async (opponent) => ({
  opponent,
  relay: await opponent.start("relay"),
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
