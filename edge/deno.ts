/**
 * A node on Deno.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import {
  type Answerer,
  type ListenAddress,
  type Listener,
  type RunningNode,
  type ServeOptions,
  startNode,
} from "../src/rendezvous/serve.ts";
import { bindUdp } from "./udp.ts";
import { connect } from "./ws_dialer.ts";
import { memory } from "./memory.ts";
import { resolve } from "./resolver.ts";
import { upgrader } from "./deno_upgrade.ts";
import { listenOnNode } from "./node_listener.ts";

export * from "../src/rendezvous/embed.ts";
export { upgrader } from "./deno_upgrade.ts";
export { CertificateFiles } from "./certificate_files.ts";
export { meshMemoryFile } from "./mesh_memory_file.ts";
export { connectNats } from "./nats.ts";
export type { NatsOptions } from "./nats_servers.ts";
export { exportTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";

/** Deno's globals as far as this file needs them: a global `Deno` does not pass `tsc`. */
interface DenoRuntime {
  serve(
    options: {
      hostname: string;
      port: number;
      reusePort?: boolean;
      signal: AbortSignal;
      onListen(): void;
      onError(error: unknown): Response;
    },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): DenoServer;
}
interface DenoServer {
  addr: { port: number };
  finished: Promise<void>;
}
declare const Deno: DenoRuntime;

/**
 * Starts a node. See `ServeOptions` for the defaults.
 *
 * @example
 * ```ts
 * await using node = await serve({ port: 0 });
 * console.log(node.url, node.id);
 * ```
 */
export function serve(options: ServeOptions = {}): Promise<RunningNode> {
  return startNode({ connect, resolve, memory, ...options }, listen, bindUdp);
}

// deno-lint-ignore require-await -- a port in use has to reject, not throw
async function listen(address: ListenAddress, app: Answerer): Promise<Listener> {
  // `Deno.serve` has no way to another certificate but to end, and its WebSockets end with it.
  if (address.tls !== undefined) return listenOnNode(address, app);
  const { host: hostname, shared: reusePort } = address;
  const abort = new AbortController();
  const open = (port: number) => {
    const options = {
      ...{ hostname, port, reusePort, signal: abort.signal },
      onListen() {},
      onError: () => new Response("internal error\n", { status: 500 }),
    };
    return Deno.serve(options, (request, { remoteAddr }) => {
      return app.fetch(request, { upgrade: upgrader(request), address: remoteAddr.hostname ?? "" });
    });
  };
  const server = open(address.port);
  const { port } = server.addr;
  const done = listenOn(server, () => open(port), abort.signal);
  const close = async () => {
    abort.abort();
    await done;
  };
  return { port, close };
}

/** Milliseconds until a listener that failed is opened again. */
const LISTEN_AGAIN = 500;

/**
 * `Deno.serve` ends for good at the first connection for which there is no descriptor, which anybody can bring
 * about, and its rejection would end the process with every peer on it: a new one takes its place. Resolves
 * when `signal` has ended the last one.
 */
async function listenOn(server: DenoServer, open: () => DenoServer, signal: AbortSignal): Promise<void> {
  const log = getLogger(["waymeet", "node"]);
  for (let current: DenoServer | undefined = server; !signal.aborted;) {
    try {
      await (current ??= open()).finished;
    } catch (error) {
      current = undefined;
      log.error("nobody new is accepted for a moment: {error}", { error: String(error) });
      await new Promise((resolve) => setTimeout(resolve, LISTEN_AGAIN));
    }
  }
}
