/**
 * What a link costs by a direct path, beside a link over the relay and a bare data channel
 * of the same stack, all between the same two processes: messages a second, microseconds of
 * both processes' CPU for each, and the median round trip. The three take turns, so that a
 * noisy machine is noisy for all; medians are printed. `beyond AEAD`: the CPU of the direct
 * link without what sealing and opening took in the same run, as a multiple of the bare channel's.
 *
 *     npx tsx test/bench/direct.ts [rounds] [milliseconds] [node|bun]      (root: it makes a network namespace)
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serve } from "../../edge/node.ts";
import { Program } from "../natlab/program.ts";
import { type RuntimeName, runtimes } from "../runtimes.ts";
import type { LaneName } from "./direct_end.ts";
import { median } from "./lanes.ts";

/** Of loopback WebRTC offers no address. */
const ADDRESS = "10.9.9.1";
const NETWORK =
  `ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add ${ADDRESS}/24 dev v0 &&
  ip link set v0 up && ip link set v1 up && exec "$@"`;
const INSIDE = "WAYMEET_BENCH_INSIDE";
const LANES: readonly LaneName[] = ["bare", "direct", "relay"];
const SIZES = [64, 1_024, 16_384];
const PINGS = 100;

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
const node = await serve({ host: ADDRESS, port: 0, access: { kind: "open" }, names: "any" });
const children: ChildProcess[] = [];

function end(name: string): Program {
  const [program, ...args] = runtimes().find((each) => each.name === runtime)!.command;
  const path = fileURLToPath(new URL("direct_end.ts", import.meta.url));
  const child = spawn(program!, [...args, path, `ws://${ADDRESS}:${node.port}`], {
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
  perSecond: number;
  /** Microseconds of both processes, a message. */
  cpu: number;
}

async function usage(): Promise<{ cpu: number; received: Record<LaneName, number> }> {
  const [here, there] = await Promise.all([a, b].map((one) => one.ask({ order: "usage" }, "usage")));
  return { cpu: Number(here!["cpu"]) + Number(there!["cpu"]), received: there!["received"] as never };
}

async function measure(lane: LaneName, size: number): Promise<Sample> {
  const before = await usage();
  const began = performance.now();
  const { sent } = await a.ask({ order: "send", lane, size, ms: duration }, "sent") as unknown as {
    sent: number;
  };
  let after = await usage();
  for (; after.received[lane] < before.received[lane] + sent; after = await usage()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const seconds = (performance.now() - began) / 1_000;
  return { perSecond: sent / seconds, cpu: (after.cpu - before.cpu) / sent };
}

/** Microseconds to seal here and to open there. */
async function aead(size: number): Promise<number> {
  const seal = await a.ask({ order: "aead", size }, "aead");
  return Number(seal["seal"]) + Number((await b.ask({ order: "aead", size }, "aead"))["open"]);
}

const [a, b] = [end("a"), end("b")];
const { direct, relay } = await b.event("ready");
await a.event("ready");
a.order({ order: "dial", direct, relay });
await a.event("path", { fits: ({ lane, kind }) => lane === "direct" && kind === "direct" });
await joinBare(a, b);

for (const size of SIZES) {
  const samples = new Map(LANES.map((lane) => [lane, [] as Sample[]]));
  const ciphers: number[] = [];
  for (let round = -1; round < count; round++) { // the first one warms up
    for (const lane of LANES) {
      const sample = await measure(lane, size);
      if (round >= 0) samples.get(lane)!.push(sample);
    }
    if (round >= 0) ciphers.push(await aead(size));
  }
  const cpu = (lane: LaneName) => median(samples.get(lane)!.map((sample) => sample.cpu));
  const row: Record<string, number> = { size };
  for (const lane of LANES) {
    row[`${lane} messages/s`] = Math.round(median(samples.get(lane)!.map(({ perSecond }) => perSecond)));
    row[`${lane} CPU µs`] = Number(cpu(lane).toFixed(1));
  }
  row["AEAD µs"] = Number(median(ciphers).toFixed(1));
  row["beyond AEAD"] = Number(((cpu("direct") - median(ciphers)) / cpu("bare")).toFixed(2));
  console.log(JSON.stringify(row));
}
const trips: Record<string, number> = {};
for (const lane of LANES) {
  const { times } = await a.ask({ order: "ping", lane, count: PINGS }, "pinged") as unknown as {
    times: number[];
  };
  trips[`${lane} round trip µs`] = Math.round(median(times));
}
console.log(JSON.stringify(trips));
for (const child of children) child.kill("SIGKILL");
process.exit(0);
