/**
 * What a link over a relay carries from program to program, encrypted and acknowledged, beside
 * what others offer for it: MB/s, messages a second, microseconds of CPU for each (both programs and
 * the relay), and the median round trip. Each by its own API, with a window of 1 MiB unanswered. All take
 * turns; medians are printed.
 *
 *     npm run bench -- links [rounds] [milliseconds]      (root: it makes network namespaces)
 */
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Program } from "../natlab/program.ts";
import { runtimes } from "../runtimes.ts";
import type { Row } from "./bench.ts";
import type { Contender } from "./links/contender.ts";
import { hyperswarm } from "./links/hyperdht.ts";
import { iroh } from "./links/iroh.ts";
import { libp2p } from "./links/libp2p.ts";
import { HUB, Rooms, whyNoRooms } from "./links/rooms.ts";
import { waymeet } from "./links/waymeet.ts";
import { machine, processorTime } from "./machine.ts";
import { median, takeTurns } from "./statistics.ts";
import { readable } from "./table.ts";

const CONTENDERS: Contender[] = [waymeet("node"), waymeet("bun"), libp2p, iroh, hyperswarm];
const SIZES = [64, 1_024, 16_384];
const WINDOW = 1_048_576;
const PINGS = 100;

const missing = whyNoRooms();
if (missing !== undefined) {
  console.error(`not measured: ${missing}`);
  process.exit(1);
}
const [rounds = 5, ms = 1_000] = process.argv.slice(2, 4).map(Number);
const rooms = new Rooms();

interface Running {
  contender: Contender;
  from: Program;
  processes: ChildProcess[];
}

async function start(contender: Contender): Promise<Running> {
  const processes: ChildProcess[] = [];
  try {
    return { contender, from: await dialled(contender, processes), processes };
  } catch (error) {
    for (const child of processes) child.kill("SIGKILL");
    throw error;
  }
}

/** Its relay and both its programs, which are kept among the processes. Resolves with the one that dialled. */
async function dialled(contender: Contender, processes: ChildProcess[]): Promise<Program> {
  const kept = (child: ChildProcess) => (processes.push(child), child);
  const relay = await contender.relay((command, env) => kept(rooms.spawn("hub", command, env)), HUB);
  const { command } = runtimes().find(({ name }) => name === contender.runtime)!;
  const script = fileURLToPath(new URL("links/end.ts", import.meta.url));
  const [to, from] = (["b", "a"] as const).map((room) => {
    const child = kept(rooms.spawn(room, [...command, script, contender.module.href]));
    return new Program(contender.name, Object.assign(child, { stderr: child.stdout }));
  });
  const { address } = await to!.ask({ order: "listen", relay }, "listens");
  await from!.ask({ order: "dial", relay, address }, "dialled");
  return from!;
}

interface Sample {
  megabytes: number;
  messages: number;
  /** Microseconds of all three processes, a message. */
  cpu: number;
}

async function measure({ contender, from, processes }: Running, size: number): Promise<Sample> {
  const cpu = () => processes.reduce((sum, { pid }) => sum + processorTime(pid!), 0);
  const before = cpu();
  const told = await from.ask({ order: "send", size, ms, window: WINDOW }, "sent");
  if (told["path"] !== "relay") throw new Error(`${contender.name} went ${told["path"]}`);
  const [sent, seconds] = [Number(told["sent"]), Number(told["seconds"])];
  return { megabytes: sent * size / 1e6 / seconds, messages: sent / seconds, cpu: (cpu() - before) / sent };
}

const before = machine();
const notMeasured: Record<string, string> = {};
const running: Running[] = [];
for (const contender of CONTENDERS) {
  if (!contender.installed()) {
    notMeasured[contender.name] = contender.install;
    continue;
  }
  try {
    running.push(await start(contender));
  } catch (error) {
    notMeasured[contender.name] = `it did not start: ${(error as Error).message.split("\n")[0]}`;
  }
}

const rows: Row[] = [];
for (const size of SIZES) {
  const samples = await takeTurns(running, rounds, (one) => measure(one, size));
  const middle = (one: Running, of: keyof Sample) => median(samples.get(one)!.map((sample) => sample[of]));
  for (const one of running) {
    rows.push({
      contender: one.contender.name,
      bytes: size,
      "MB/s": Number(middle(one, "megabytes").toFixed(2)),
      "messages/s": Math.round(middle(one, "messages")),
      "CPU µs/message": Number(middle(one, "cpu").toFixed(1)),
      "of waymeet on node": Number((middle(one, "megabytes") / middle(running[0]!, "megabytes")).toFixed(3)),
    });
  }
}
const trips: string[] = [];
for (const { contender, from } of running) {
  const { times } = await from.ask({ order: "ping", count: PINGS }, "pinged");
  trips.push(
    `${contender.name}: sent to acknowledged ${
      Math.round(median(times as number[]))
    } µs (median, one at a time)`,
  );
}
console.log(readable({
  bench: "links",
  machine: { ...before, load: Math.max(before.load, machine().load) },
  versions: Object.fromEntries(running.map(({ contender }) => [contender.name, contender.version()])),
  notMeasured,
  rows,
  notes: trips,
}));
process.exit();
