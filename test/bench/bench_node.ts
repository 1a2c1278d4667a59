/** `bench_node.ts RUNTIME [PURPOSE]`: a node that tells where it is, and runs until it is killed. */
import process from "node:process";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const [runtime, purpose = "relay"] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
// As many, and as fast, as a generator at one address brings them; in public with the limits everybody has.
const roomy = { sessions: 20_000, handshakesPerSecond: Infinity };
const node = await edge.serve({ port: 0, publicMetrics: true, limits: purpose === "public" ? {} : roomy });
console.log(JSON.stringify({ url: node.url, pid: process.pid }));
// What is garbage is no cost of a peer; without work a collector may leave it lying for long.
const collect = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc;
if (collect && purpose === "idle") setInterval(() => collect(true), 1000);
