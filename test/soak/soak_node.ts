/**
 * `soak_node.ts RUNTIME TOKEN [JOIN]`: a node of a mesh that tells what it holds when it is asked.
 *
 * Its machine's clock runs ten times as fast as time does. By that clock a node remembers for ten minutes who was
 * there, some 2 KiB each on Bun and 3 on Node; and the tables that hold them double once more when as many have
 * come as fit, minutes after the first were forgotten (a Map through which entries pass is twice to four times as
 * large as what is in it). With a right clock all that is several MiB, takes up to twenty minutes to be there, and
 * goes up and down with how busy the machine is: it looked like a leak of 40 KiB a minute. So it is a tenth of
 * that, is there after two minutes, and an hour forgets as often as ten. Peers keep the right time: by whose clock
 * a record was signed does not matter.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { type Clock, systemClock } from "../../src/session/clock.ts";
import { fillCaches } from "./full_caches.ts";
import { vitals } from "./vitals.ts";

const FAST = 10;
/** Milliseconds that it gets ahead at most: clocks may differ by three days (`CLOCK_SKEW`). */
const AHEAD = 172_800_000;
const began = Date.now();

function wall(): number {
  const now = Date.now();
  return now + Math.min(AHEAD, (FAST - 1) * (now - began));
}

const clock: Clock = { ...systemClock, wall };

const [runtime, token, join] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
const { url, node } = await edge.serve({ port: 0, clock, mesh: { token, join: join ? [join] : [] } });

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

fillCaches();
tell("ready", { url });
for await (const _ of createInterface({ input: process.stdin })) {
  tell("sample", { vitals: await vitals(), state: numbers(STATE), counts: numbers(COUNTS) });
}
process.exit(0);
