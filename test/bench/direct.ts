/**
 * What a link costs by a direct path, beside a link over the relay and a bare data channel
 * of the same stack, between the same two processes: messages a second, microseconds of
 * both processes' CPU for each, and the median round trip. A fourth lane is a direct link
 * between two processes whose cipher only copies: what a link costs beyond its AEAD. Beside
 * it, what sealing and opening take in a loop of their own, with its code and bytes in the
 * nearest caches: less than within a link, so that this way of counting is the harder one.
 * All take turns, so that a noisy machine is noisy for all; medians are printed, also of the
 * ratios within each turn. Before, every lane carries what a runtime needs to compile it: a bare
 * channel has next to no code of its own, and a link in its first seconds costs twice as much.
 *
 *     npx tsx test/bench/direct.ts [rounds] [milliseconds] [node|bun] [bytes]      (root: it makes a network namespace)
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { serve } from "../../edge/node.ts";
import { Program } from "../natlab/program.ts";
import { type RuntimeName, runtimes } from "../runtimes.ts";
import type { LaneName } from "./direct_end.ts";
import { delayProxy } from "./delay_proxy.ts";
import { median } from "./statistics.ts";

/** Of loopback WebRTC offers no address. */
const ADDRESS = "10.9.9.1";
const NETWORK =
  `ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add ${ADDRESS}/24 dev v0 &&
  ip link set v0 up && ip link set v1 up && exec "$@"`;
const INSIDE = "WAYMEET_BENCH_INSIDE";
const SIZES = [64, 1_024, 16_384];
const PINGS = 100;
/** Messages after which runtimes compile no more: Node goes on until about 25,000. */
const WARM_UP = 25_000;
/** Milliseconds there and back. */
const FAR = 100;
/** Looks at the direct path, and milliseconds between two. */
const TRIES = 60;
const BACK = 250;

if (!process.env[INSIDE]) {
  const words = [
    "-n",
    "bash",
    "-c",
    NETWORK,
    "bash",
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ];
  process.exit(
    spawnSync("unshare", words, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } }).status ?? 1,
  );
}

const [count = 5, duration = 1_000] = process.argv.slice(2, 4).map(Number);
const runtime = (process.argv[4] ?? "node") as RuntimeName;
const node = await serve({ host: "0.0.0.0", port: 0, access: { kind: "open" }, names: "any" });
/** What has a direct path reaches its node from afar: beside a node in the same machine a link would leave the path for it. */
const far = await delayProxy(node.port, FAR);
const children: ChildProcess[] = [];

function end(name: string, ...words: string[]): Program {
  const [program, ...args] = runtimes().find((each) => each.name === runtime)!.command;
  const path = fileURLToPath(new URL("direct_end.ts", import.meta.url));
  const urls = [`ws://127.0.0.1:${far.port}`, `ws://${ADDRESS}:${node.port}`];
  const child = spawn(program!, [...args, path, ...urls, ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  return new Program(name, Object.assign(child, { stderr: child.stdout }));
}

/** Candidates wait for the answer, as in an attempt. */
async function joinBare(from: Program, to: Program): Promise<void> {
  const described = ({ words }: Record<string, unknown>) => (words as { type: string }).type !== "candidate";
  from.order({ order: "offer" });
  to.order({ order: "words", words: (await from.event("words", { fits: described }))["words"] });
  from.order({ order: "words", words: (await to.event("words", { fits: described }))["words"] });
  for (const [one, other] of [[from, to], [to, from]] as const) {
    const candidate = await one.event("words", { fits: (told) => !described(told) });
    other.order({ order: "words", words: candidate["words"] });
  }
  for (const one of [from, to]) await one.event("path", { fits: ({ lane }) => lane === "bare" });
}

interface Sample {
  sent: number;
  perSecond: number;
  /** Microseconds of both processes, a message. */
  cpu: number;
}

/** Two processes with a link between them. */
interface Pair {
  from: Program;
  to: Program;
}

async function pair(...words: string[]): Promise<Pair> {
  const [from, to] = [end("from", ...words), end("to", ...words)];
  const { direct, relay } = await to.event("ready");
  await from.event("ready");
  from.order({ order: "dial", direct, relay });
  await from.event("path", { fits: ({ lane, kind }) => lane === "direct" && kind === "direct" });
  return { from, to };
}

interface Usage {
  cpu: number;
  received: Record<LaneName, number>;
  /** By which path the link of the direct lane sends now. */
  path: string;
}

async function usage({ from, to }: Pair): Promise<Usage> {
  const [here, there] = await Promise.all([from, to].map((one) => one.ask({ order: "usage" }, "usage")));
  return {
    cpu: Number(here!["cpu"]) + Number(there!["cpu"]),
    received: there!["received"] as Usage["received"],
    path: String(here!["path"]),
  };
}

/** A link whose other end was busy with another lane left the direct path, and comes back. */
async function measure(between: Pair, lane: LaneName, size: number): Promise<Sample> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await usage(between);
    if (lane === "direct" && before.path !== "direct") {
      await sleep(BACK);
      continue;
    }
    const sample = await measureNow(between, lane, size, before);
    if (sample) return sample;
  }
  throw new Error("the direct lane has no direct path: nothing was measured");
}

/** Nothing when the direct lane left its path meanwhile. */
async function measureNow(
  between: Pair,
  lane: LaneName,
  size: number,
  before: Usage,
): Promise<Sample | undefined> {
  const began = performance.now();
  const told = await between.from.ask({ order: "send", lane, size, ms: duration }, "sent");
  const sent = Number(told["sent"]);
  let after = await usage(between);
  for (; after.received[lane] < before.received[lane] + sent; after = await usage(between)) await sleep(5);
  const seconds = (performance.now() - began) / 1_000;
  if (lane === "direct" && after.path !== "direct") return undefined;
  return { sent, perSecond: sent / seconds, cpu: (after.cpu - before.cpu) / sent };
}

async function warmUp(between: Pair, lane: LaneName, size: number): Promise<void> {
  for (let sent = 0; sent < WARM_UP;) sent += (await measure(between, lane, size)).sent;
}

/** Microseconds to seal at one end and to open at the other, both at once as in a lane. */
async function aead({ from, to }: Pair, size: number): Promise<number> {
  const [seal, open] = await Promise.all(
    [from, to].map((one) => one.ask({ order: "aead", size }, "aead")),
  );
  return Number(seal!["seal"]) + Number(open!["open"]);
}

const sealed = await pair();
await joinBare(sealed.from, sealed.to);
const LANES: [name: string, between: Pair, lane: LaneName][] = [
  ["bare", sealed, "bare"],
  ["direct", sealed, "direct"],
  ["without AEAD", await pair("plain"), "direct"],
  ["relay", sealed, "relay"],
];

for (const size of process.argv[5] ? [Number(process.argv[5])] : SIZES) {
  const samples = new Map(LANES.map(([name]) => [name, [] as Sample[]]));
  const ciphers: number[] = [];
  for (const [, between, lane] of LANES) await warmUp(between, lane, size);
  await aead(sealed, size);
  for (let round = 0; round < count; round++) {
    for (const [name, between, lane] of LANES) samples.get(name)!.push(await measure(between, lane, size));
    ciphers.push(await aead(sealed, size));
  }
  const cpus = (name: string) => samples.get(name)!.map((sample) => sample.cpu);
  const cpu = (name: string) => median(cpus(name));
  const ratio = (cost: (round: number) => number) =>
    Number(median(cpus("bare").map((bare, round) => cost(round) / bare)).toFixed(2));
  const row: Record<string, number> = { size };
  for (const [name] of LANES) {
    row[`${name} messages/s`] = Math.round(median(samples.get(name)!.map(({ perSecond }) => perSecond)));
    row[`${name} CPU µs`] = Number(cpu(name).toFixed(1));
  }
  row["AEAD alone µs"] = Number(median(ciphers).toFixed(1));
  row["(direct - AEAD alone) / bare"] = ratio((round) => cpus("direct")[round]! - ciphers[round]!);
  row["without AEAD / bare"] = ratio((round) => cpus("without AEAD")[round]!);
  console.log(JSON.stringify(row));
}
const trips: Record<string, number> = {};
for (const [name, { from }, lane] of LANES) {
  const { times } = await from.ask({ order: "ping", lane, count: PINGS }, "pinged");
  trips[`${name} round trip µs`] = Math.round(median(times as number[]));
}
console.log(JSON.stringify(trips));
for (const child of children) child.kill("SIGKILL");
process.exit(0);
