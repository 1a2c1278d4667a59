/** The node under test in an isolate: the entry point of Deno Deploy with a listener that throws. */
import { serve } from "../../edge/deno_deploy.ts";
import { THROWING_AGENT } from "./check.ts";

const node = await serve();
node.addEventListener("established", ({ agent }) => {
  if (agent === THROWING_AGENT) throw new Error("a listener of the operator");
});
console.log(JSON.stringify({ url: `ws://127.0.0.1:${node.port}` }));
