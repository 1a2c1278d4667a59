/**
 * A node on Deno.
 *
 * @module
 */
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
  ): { addr: { port: number }; finished: Promise<void> };
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
  const { host, port, shared: reusePort } = address;
  const abort = new AbortController();
  const options = {
    hostname: host,
    port,
    reusePort,
    signal: abort.signal,
    onListen() {},
    onError: () => new Response("internal error\n", { status: 500 }),
  };
  const server = Deno.serve(options, (request, { remoteAddr }) => {
    return app.fetch(request, { upgrade: upgrader(request), address: remoteAddr.hostname ?? "" });
  });
  const close = async () => {
    abort.abort();
    await server.finished;
  };
  return { port: server.addr.port, close };
}
