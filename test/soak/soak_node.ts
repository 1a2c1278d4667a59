/** `soak_node.ts RUNTIME TOKEN [JOIN]`: a node of a mesh that tells what it holds when it is asked. */
import process from "node:process";
import { createInterface } from "node:readline";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { fillCaches } from "./full_caches.ts";
import { vitals } from "./vitals.ts";

const [runtime, token, join] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
const { url, node } = await edge.serve({ port: 0, mesh: { token, join: join ? [join] : [] } });

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
