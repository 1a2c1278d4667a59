/**
 * `npm run demo -- --web`: one node with its chat and its dashboard, on this machine, until
 * you end it. Open the chat in two tabs: each asks for a name of its own.
 *
 * @module
 */
import process from "node:process";
import { serve } from "../../edge/node.ts";

export async function serveWeb(port: number): Promise<void> {
  const interrupted = interruption();
  await using node = await serve({ port });
  const page = node.url.replace(/^ws/, "http");
  console.log(`chat:      ${page}/chat
           open it in two tabs, choose a name in each, and let one ask the other
dashboard: ${node.dashboard}
Ctrl-C ends it.`);
  await new Promise((resolve) => interrupted.addEventListener("abort", resolve));
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
