/**
 * `soak_node.ts JSON`: a node of a mesh that tells what it holds when it is asked.
 *
 * By its clock a node remembers for ten minutes who was there, some 2 KiB each on Bun and 3 on Node, so what it holds
 * would rise and fall with how many came of late. Its machine's clock runs sixty times as fast as time does: between
 * two rounds all are forgotten, and an hour forgets as often as sixty. Peers keep the right time: by whose clock
 * a record was signed does not matter.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { type Clock, systemClock } from "../../src/session/clock.ts";
import type { RuntimeName } from "../runtimes.ts";
import { fillCaches } from "./full_caches.ts";
import { leave } from "./left_behind.ts";
import { vitals } from "./vitals.ts";

export interface SoakNode {
  runtime: RuntimeName;
  token: string;
  join: string[];
  /** How many times as fast as time its machine's clock runs. */
  fast: number;
  /** Whether each session leaves an object behind, to show that a soak would tell. */
  leak: boolean;
}

const { runtime, token, join, fast, leak } = JSON.parse(process.argv[2]!) as SoakNode;
const began = Date.now();
const clock: Clock = { ...systemClock, wall: () => began + fast * (Date.now() - began) };

const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
const { url, node } = await edge.serve({ port: 0, clock, mesh: { token, join } });

/** What is held for peers: all of it goes when they go. */
const STATE = [
  "sessions",
  "handshakes_pending",
  "watches",
  "announcements",
  "attempts_open",
  "mesh_presence_peers",
];
const COUNTS = ["sessions_total", "frames_relayed_total"];

function tell(event: string, fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function numbers(names: readonly string[]): Record<string, number> {
  const { families } = node.exposition();
  return Object.fromEntries(
    families.filter(({ name }) => names.includes(name)).map(({ name, samples }) => [
      name,
      samples[0]?.value ?? 0,
    ]),
  );
}

let left = 0;
fillCaches();
tell("ready", { url });
for await (const _ of createInterface({ input: process.stdin })) {
  const counts = numbers(COUNTS);
  if (leak) leave(counts["sessions_total"]! - left);
  left = counts["sessions_total"]!;
  tell("sample", { vitals: await vitals(), state: numbers(STATE), counts });
}
process.exit(0);
