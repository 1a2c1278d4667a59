/**
 * A node on Deno.
 *
 * @module
 */
import type { Hono } from "hono";
import type { Admission } from "../src/rendezvous/admission.ts";
import type { NodeApp, Upgrade } from "../src/rendezvous/app.ts";
import { type Listener, type RunningNode, type ServeOptions, startNode } from "../src/rendezvous/serve.ts";
import { bindUdp } from "./udp.ts";
import { connect } from "./ws_dialer.ts";
import { resolve } from "./resolver.ts";
import type { Socket } from "../src/session/socket.ts";
import { MAX_MESSAGE } from "../src/wire/limits.ts";
import { SUBPROTOCOL } from "../src/wire/protocol.ts";

export * from "../src/rendezvous/embed.ts";
export { meshMemoryFile } from "./mesh_memory_file.ts";

/** Deno's globals as far as this file needs them: a global `Deno` does not pass `tsc`. */
interface DenoRuntime {
  serve(
    options: {
      hostname: string;
      port: number;
      signal: AbortSignal;
      onListen(): void;
      onError(error: unknown): Response;
    },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
  upgradeWebSocket(
    request: Request,
    options: { protocol: string; idleTimeout: number },
  ): { socket: WebSocket; response: Response };
}
declare const Deno: DenoRuntime;

const OPEN = 1;

/** Deno has no `terminate`: its sockets end with the closing handshake, or with the connection. */
class DenoSocket implements Socket {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }
  get buffered(): number {
    return this.#ws.bufferedAmount;
  }
  send(message: Uint8Array | string): number {
    if (this.#ws.readyState !== OPEN) return -1;
    this.#ws.send(message as Uint8Array<ArrayBuffer> | string);
    return this.#ws.bufferedAmount;
  }
  close(code: number, reason: string): void {
    if (this.#ws.readyState <= OPEN) this.#ws.close(code, reason);
  }
  terminate(): void {
    this.close(1000, "");
  }
}

/** The binding `upgrade` of the node's app for one request: `app.fetch(request, { upgrade: upgrader(request) })`. */
export function upgrader(request: Request): Upgrade {
  return (admission) => {
    // Sessions have their own liveness: after 30 s Deno would close those that are idle but healthy.
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL, idleTimeout: 0 });
    attach(socket, admission);
    return response;
  };
}

function attach(ws: WebSocket, admission: Admission): void {
  ws.binaryType = "arraybuffer";
  ws.onclose = () => admission.release();
  ws.onerror = () => {}; // "close" follows and says the same
  ws.onopen = () => {
    const handlers = admission.open(new DenoSocket(ws));
    if (handlers === undefined) return ws.close();
    ws.onclose = ({ code, reason }) => handlers.close(code, reason);
    ws.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      // Deno itself takes messages of up to 64 MiB.
      if (typeof data !== "string" && data.byteLength > MAX_MESSAGE) {
        return ws.close(4007, "message too large");
      }
      handlers.message(typeof data === "string" ? data : new Uint8Array(data));
    };
  };
}

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
  return startNode({ connect, resolve, ...options }, listen, bindUdp);
}

// deno-lint-ignore require-await -- a port in use has to reject, not throw
async function listen({ host, port }: { host: string; port: number }, app: Hono<NodeApp>): Promise<Listener> {
  const abort = new AbortController();
  const options = {
    hostname: host,
    port,
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
