/** A node for `idle_memory.ts`: tells where it is, and runs until it is killed. */
import process from "node:process";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(
  `../../edge/${process.argv[2]}.ts`
);
const node = await edge.serve({ port: 0, publicMetrics: true });
console.log(JSON.stringify({ url: node.url, pid: process.pid }));
