/**
 * A node and two peers that say nothing, on one runtime, as real processes:
 *
 *     node --import tsx test/idle/idle.ts [--minutes 15] [--runtime bun,deno,node]
 *
 * prints one JSON line for each runtime. A healthy session must not be cycled, every
 * ping must have its pong, and the first message after the silence must arrive within
 * one round trip.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Runtime, runtimes } from "../runtimes.ts";

/** What became of one runtime's silence. */
export interface IdleReport {
  runtime: string;
  minutes: number;
  /** Session ids that are others than before, and changes that a peer reported. */
  reconnections: number;
  peers: { pingsSent: number; pongsMatched: number }[];
  node: { pingsSent: number; pongsMatched: number; sessions: number };
  /** Milliseconds. */
  roundTrip: number;
  /** Milliseconds from `send` to its acknowledgement, first thing after the silence. */
  firstMessage: number;
}

/** A program that answers lines. */
class Actor {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(runtime: Runtime, ...words: string[]) {
    const [program, ...rest] = runtime.command;
    const file = fileURLToPath(new URL("actor.ts", import.meta.url));
    this.child = spawn(program!, [...rest, file, ...words], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  // deno-lint-ignore no-explicit-any -- what each command answers stands in actor.ts
  async heard(): Promise<any> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("an actor of the idle check ended early");
    return JSON.parse(value);
  }

  ask(line: string): ReturnType<Actor["heard"]> {
    this.child.stdin!.write(`${line}\n`);
    return this.heard();
  }

  end(): void {
    this.child.stdin!.end("end\n");
  }
}

/** Runs the check on one runtime. */
export async function idle(runtime: Runtime, minutes: number): Promise<IdleReport> {
  const node = new Actor(runtime, "node");
  const { url } = await node.heard();
  const peers = [new Actor(runtime, "peer", url), new Actor(runtime, "peer", url)];
  const [, { id }] = [await peers[0]!.heard(), await peers[1]!.heard()];
  await peers[0]!.ask(`dial ${id}`);
  const before = await Promise.all(peers.map((peer) => peer.ask("status")));
  await sleep(minutes * 60_000);
  const { took } = await peers[0]!.ask("send");
  const pings: number[] = [];
  for (let i = 0; i < 9; i++) pings.push((await peers[0]!.ask("ping")).ping);
  const after = await Promise.all(peers.map((peer) => peer.ask("status")));
  const counts = await node.ask("counts");
  for (const actor of [...peers, node]) actor.end();
  const cycled = after.filter(({ session }, i) => session !== before[i].session).length;
  return {
    runtime: runtime.name,
    minutes,
    reconnections: cycled + after.reduce((sum, { changes }) => sum + changes, 0),
    peers: after.map(({ pingsSent, pongsMatched }) => ({ pingsSent, pongsMatched })),
    node: { pingsSent: counts.sent, pongsMatched: counts.matched, sessions: counts.sessions },
    roundTrip: pings.sort((a, b) => a - b)[4]!,
    firstMessage: took,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { minutes: { type: "string" }, runtime: { type: "string" } } });
  const chosen = values.runtime?.split(",") ?? ["bun", "deno", "node"];
  const all = runtimes().filter(({ name }) => chosen.includes(name));
  const reports = await Promise.all(all.map((runtime) => idle(runtime, Number(values.minutes ?? 15))));
  for (const report of reports) console.log(JSON.stringify(report));
}
