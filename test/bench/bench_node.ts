/** `bench_node.ts RUNTIME [collect]`: a node that tells where it is, and runs until it is killed. */
import process from "node:process";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const [runtime, collects] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
// As many, and as fast, as a generator at one address brings them: how a node grows is measured, too.
const node = await edge.serve({
  port: 0,
  publicMetrics: true,
  limits: { sessions: 20_000, handshakesPerSecond: Infinity },
});
console.log(JSON.stringify({ url: node.url, pid: process.pid }));
// What is garbage is no cost of a peer; without work a collector may leave it lying for long.
const collect = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc;
if (collect && collects === "collect") setInterval(() => collect(true), 1000);
