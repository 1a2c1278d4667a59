/**
 * A node of a mesh for `cross_relay.ts`: `mesh_node.ts RUNTIME TOKEN [URL…]` joins those, those of NATS as their
 * fabric, and runs until it is killed.
 */
import process from "node:process";
import { connectNats } from "../../edge/nats.ts";
import { natsFabric } from "../../src/rendezvous/nats_fabric.ts";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const [runtime, token, ...join] = process.argv.slice(2);
const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(`../../edge/${runtime}.ts`);
const joined = join[0]?.startsWith("nats:")
  ? { fabric: natsFabric(await connectNats({ servers: join })) }
  : { mesh: { token: token!, join } };
const node = await edge.serve({ port: 0, ...joined });
console.log(JSON.stringify({ url: node.url }));
