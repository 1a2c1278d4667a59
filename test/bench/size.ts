/**
 * What a node's size costs those who use it: idle peers come, and the processor time of a frame between eight
 * busy pairs among them, and memory, are measured at each size; beyond the descriptors of a process, in memory.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";
import { type Bench, field, type Options, type Row } from "./bench.ts";
import { saturate, type Shape } from "./load.ts";
import { residentSize } from "./machine.ts";
import { connectMany } from "./memory.ts";
import type { Opponent } from "./opponents/opponent.ts";
import { enter, type Entry, leave } from "./relay.ts";
import { median, powerLaw, takeTurns } from "./statistics.ts";

type Tell = (line: string) => void;

/** Peers of a node; the last is what the 20,000 descriptors of a process leave room for. */
const SIZES = [100, 1_000, 5_000, 15_000];
const BUSY_PAIRS = 8;
const SHAPE: Shape = { size: 64, burst: 1, pairs: BUSY_PAIRS };
/** Who has a form of an idle peer worth comparing, without being asked for others. */
const DEFAULT = ["waymeet", "bare"];

const [PAIRS_IN_MEMORY, ALL_IN_MEMORY] = ["in memory", "in memory, all talk"];

/** One relay's rows. One relay after the other: two crowds would need more descriptors than this process has. */
async function grown(opponent: Opponent, { rounds, milliseconds }: Options, tell: Tell): Promise<Row[]> {
  const [entry] = await enter([opponent], BUSY_PAIRS) as [Entry];
  const { relay, pairs } = entry;
  const before = residentSize(relay.pid);
  const idle: { close(): void }[] = [];
  const rows: Row[] = [];
  const measure = () => saturate([relay.pid], pairs, SHAPE, milliseconds);
  // Uncounted: the first size would else pay for what a runtime compiles, and be dearer than the last.
  await takeTurns([relay], rounds, measure);
  for (const peers of SIZES) {
    tell(`size: ${opponent.name}, ${peers} peers`);
    idle.push(...await connectMany(opponent, relay, peers - 2 * BUSY_PAIRS - idle.length));
    const samples = [...(await takeTurns([relay], rounds, measure)).values()].flat();
    rows.push({
      relay: opponent.name,
      peers,
      "CPU µs/frame": Number(
        median(samples.map(({ microsecondsPerFrame }) => microsecondsPerFrame)).toPrecision(3),
      ),
      "KiB per idle peer": Number(((residentSize(relay.pid) - before) / idle.length).toFixed(2)),
    });
  }
  for (const one of idle) one.close();
  leave([entry]);
  return rows;
}

interface Crowd {
  peers: number;
  pairs: number;
  anybody: number;
  kib: number;
}

/** The node's code alone, without sockets, among as many peers as no process has descriptors for. */
function crowded({ rounds, milliseconds }: Options): Row[] {
  const [bun, ...args] = runtimes().find(({ name }) => name === "bun")!.command;
  const script = fileURLToPath(new URL("crowd.ts", import.meta.url));
  const { stdout } = spawnSync(bun!, [...args, script, String(rounds), String(milliseconds)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const sizes = stdout.trim().split("\n").map((line) => JSON.parse(line) as Crowd);
  const rows = (relay: string, cost: (crowd: Crowd) => number) =>
    sizes.map((crowd) => ({
      relay,
      peers: crowd.peers,
      "CPU µs/frame": Number(cost(crowd).toPrecision(3)),
      "KiB per idle peer": Number(crowd.kib.toFixed(2)),
    }));
  return [...rows(PAIRS_IN_MEMORY, ({ pairs }) => pairs), ...rows(ALL_IN_MEMORY, ({ anybody }) => anybody)];
}

/** How the cost of a frame grows with the peers of its node: 0 = not at all, 1 = in proportion. */
function growth(rows: Row[], name: string): string {
  const own = rows.filter(({ relay }) => relay === name);
  const exponent = powerLaw(own.map((row) => [Number(row.peers), Number(row["CPU µs/frame"])]));
  return `${name}: a frame's cost grows as peers^${exponent.toFixed(2)}`;
}

export const size: Bench = {
  about: "what a frame costs, and a peer, at a node of a hundred to a hundred thousand peers",
  async run(options, tell) {
    const { taking, ...rest } = field(options.only ?? DEFAULT);
    const rows: Row[] = [];
    for (const opponent of taking) rows.push(...await grown(opponent, options, tell));
    const names = taking.map(({ name }) => name);
    if (names.includes("waymeet")) {
      tell("size: waymeet's code alone, in memory");
      rows.push(...crowded(options));
      names.push(PAIRS_IN_MEMORY, ALL_IN_MEMORY);
    }
    return { ...rest, rows, notes: [...names.map((name) => growth(rows, name)), ...NOTES] };
  },
};

const NOTES = [
  `${BUSY_PAIRS} pairs talk, 64 bytes a frame; all other peers are idle, and answer pings.`,
  "in memory: waymeet's code without sockets or kernel, heap after a collection; all talk: any peer with its one partner, so that each frame finds another part of the memory.",
  "KiB: with whatever garbage the process has not collected yet; `npm run bench -- memory` measures it at rest.",
  "Nodes, and changes of presence: `npm run sim -- --cost 2,5,10,25,50,100` fits the same for a mesh.",
];
