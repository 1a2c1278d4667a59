/** The node under test: `server.ts RUNTIME`. Ends with SIGTERM, as an operator would have it. */
import process from "node:process";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";
import { QUEUE, THROWING_AGENT } from "./check.ts";

const edge: { serve(options: ServeOptions): Promise<RunningNode> } = await import(
  `../../edge/${process.argv[2]}.ts`
);
const node = await edge.serve({ port: 0, stunPorts: false, dashboard: false, limits: { queue: QUEUE } });
node.addEventListener("established", ({ agent }) => {
  if (agent === THROWING_AGENT) throw new Error("a listener of the operator");
});
process.on("SIGTERM", () => void node.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ url: node.url }));
