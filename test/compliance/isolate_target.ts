/** Deno with what an isolate of Deno Deploy has: the network and its environment, nothing else. */
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";
import { QUEUE, type Target } from "./check.ts";
import { startProcess } from "./server_target.ts";
import { freePort } from "../free_port.ts";

export async function startIsolate(vars: Record<string, string> = {}): Promise<Target> {
  const { program } = runtimes().find(({ name }) => name === "deno")!;
  const allowed = ["--no-prompt", "--allow-net", "--allow-env"];
  const denied = ["--deny-read", "--deny-write", "--deny-run", "--deny-ffi", "--deny-sys"];
  const entry = fileURLToPath(new URL("isolate.ts", import.meta.url));
  return await startProcess([program, "run", "--no-check", ...allowed, ...denied, entry], {
    DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${await freePort()}`,
    WAYMEET_ACCESS: "open",
    WAYMEET_NAME: "127.0.0.1",
    WAYMEET_METRICS: "public",
    WAYMEET_LIMITS: JSON.stringify({ queue: QUEUE }),
    ...vars,
  });
}
