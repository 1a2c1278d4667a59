/**
 *     npm run bench                               what there is
 *     npm run bench -- NAME… [--json] [--svg FILE]
 *       [--rounds 5] [--ms 500] [--sizes 64,1024] [--pairs 1,8] [--count 2000] [--only waymeet,bare]
 *
 * Whoever is not installed is told as not measured, with the command that installs it.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runtimes } from "../runtimes.ts";
import { type Bench, type Options, perform } from "./bench.ts";
import { firstMessage } from "./first_message.ts";
import { handshakes } from "./handshakes.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { barChart } from "./plot.ts";
import { relay } from "./relay.ts";
import { readable } from "./table.ts";
import { size } from "./size.ts";
import { workers } from "./workers.ts";

const BENCHES: Record<string, Bench> = {
  relay,
  latency,
  memory,
  handshakes,
  first_message: firstMessage,
  workers,
  size,
};
/** Programs of their own, which print lines of JSON; what follows `--` is theirs. */
const PROGRAMS: Record<string, string> = {
  aead: "ciphers and X25519 of each kind",
  cold_start: "from nothing to the first accepted peer, for a node on each runtime",
  cross_relay: "a frame through two nodes beside one node",
  direct: "a link over the relay, over WebRTC and in one process",
  flood: "strangers by the ten thousand: what those with a session notice, beside a bare server",
  links: "a link over the relay beside those of js-libp2p, iroh and Hyperswarm (root)",
  idle_memory: "resident memory of a node for each idle peer, on each runtime",
};

/** Bytes of payload; the last with its addresses still fits the 64 KiB of derper and iroh-relay. */
const SIZES = "64,1024,16384,65472";

function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 1)) {
    throw new TypeError(`"${text}" is no list of whole numbers from 1 on`);
  }
  return values;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    svg: { type: "string" },
    rounds: { type: "string", default: "5" },
    ms: { type: "string", default: "500" },
    sizes: { type: "string", default: SIZES },
    pairs: { type: "string", default: "1,8,64" },
    count: { type: "string", default: "2000" },
    only: { type: "string" },
  },
});

function options(): Options {
  return {
    rounds: numbers(values.rounds)[0]!,
    milliseconds: numbers(values.ms)[0]!,
    sizes: numbers(values.sizes),
    pairs: numbers(values.pairs),
    count: numbers(values.count)[0]!,
    only: values.only?.split(","),
  };
}

function list(): void {
  const all = {
    ...Object.fromEntries(Object.entries(BENCHES).map(([name, { about }]) => [name, about])),
    ...PROGRAMS,
  };
  for (const [name, about] of Object.entries(all)) console.log(`${name.padEnd(14)} ${about}`);
}

function runProgram(name: string, words: string[]): void {
  const [node, ...args] = runtimes().find((one) => one.name === "node")!.command;
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  process.exitCode = spawnSync(node!, [...args, script, ...words], { stdio: "inherit" }).status ?? 1;
}

async function runBench(name: string, bench: Bench): Promise<void> {
  const report = await perform(name, bench, options());
  console.log(values.json ? JSON.stringify(report, undefined, 2) : readable(report));
  if (values.svg !== undefined && report.chart !== undefined) {
    writeFileSync(values.svg, barChart(report.chart));
  }
}

// An exit ends the relays, a signal alone would leave them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const [name, ...words] = positionals;
if (name === undefined) list();
else if (name in PROGRAMS) runProgram(name, words);
else if (name in BENCHES) await runBench(name, BENCHES[name]!);
else throw new TypeError(`there is no benchmark "${name}"; npm run bench lists them`);
process.exit();
