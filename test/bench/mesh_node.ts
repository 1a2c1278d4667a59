/** A node of a mesh for `cross_relay.ts`: `mesh_node.ts RUNTIME TOKEN [URL…]` joins those, and runs until it is killed. */
import process from "node:process";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const [runtime, token, ...join] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
const node = await edge.serve({ port: 0, mesh: { token: token!, join } });
console.log(JSON.stringify({ url: node.url }));
