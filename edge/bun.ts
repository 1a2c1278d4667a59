/**
 * A node on Bun.
 *
 * @module
 */
import type { Admission } from "../src/rendezvous/admission.ts";
import type { Upgrade } from "../src/rendezvous/app.ts";
import type { RendezvousNode } from "../src/rendezvous/node.ts";
import {
  type Answerer,
  type ListenAddress,
  type Listener,
  type RunningNode,
  type ServeOptions,
  startNode,
} from "../src/rendezvous/serve.ts";
import type { Connect, Socket, SocketHandlers } from "../src/session/socket.ts";
import { connectWith, type WebSocketConstructor } from "../src/session/web_socket.ts";
import { FairReader } from "./fair_reader.ts";
import { memory } from "./memory.ts";
import { resolve } from "./resolver.ts";
import { MAX_MESSAGE } from "../src/wire/limits.ts";
import { SUBPROTOCOL } from "../src/wire/protocol.ts";
import { bindUdp } from "./udp.ts";

export * from "../src/rendezvous/embed.ts";
export { CertificateFiles } from "./certificate_files.ts";
export { meshMemoryFile } from "./mesh_memory_file.ts";
export { connectNats } from "./nats.ts";
export type { NatsOptions } from "./nats_servers.ts";
export { exportTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";

/** Dials other nodes. */
const connect: Connect = connectWith(WebSocket as unknown as WebSocketConstructor, { copies: true });

/** Bun's server as far as this file needs it: the types of Bun do not pass `deno check`. */
interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { data: Visit; headers: Record<string, string> }): boolean;
  requestIP(request: Request): { address: string } | null;
  stop(closeConnections: boolean): Promise<void>;
}
interface BunSocket {
  readonly data: Visit;
  binaryType: string;
  /** Bytes sent, -1: queued, 0: dropped. */
  sendBinary(message: Uint8Array): number;
  sendText(message: string): number;
  getBufferedAmount(): number;
  /** Of Bun 1.4. */
  pause?(): void;
  resume?(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
declare const Bun: { serve(options: Record<string, unknown>): BunServer };

/** What a socket carries from the upgrade to its end. */
class Visit extends FairReader implements Socket {
  /** uWebSockets writes to the kernel at once, or into a buffer of its own. */
  readonly copies = true;
  #admission: Admission | undefined;
  #ws: BunSocket | undefined;
  #handlers: SocketHandlers | undefined;

  constructor(admission: Admission) {
    super();
    this.#admission = admission;
  }

  get buffered(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }
  send(message: Uint8Array | string): number {
    const ws = this.#ws;
    if (ws === undefined) return -1;
    const sent = typeof message === "string" ? ws.sendText(message) : ws.sendBinary(message);
    if (sent > 0) return 0;
    return sent < 0 ? ws.getBufferedAmount() : -1;
  }
  close(code: number, reason: string): void {
    this.#ws?.close(code, reason);
  }
  terminate(): void {
    this.#ws?.terminate();
  }

  opened(ws: BunSocket): void {
    ws.binaryType = "uint8array"; // Bun's default is a Buffer
    this.#ws = ws;
    this.#handlers = this.#admission?.open(this);
    this.#admission = undefined;
    if (this.#handlers === undefined) ws.terminate();
  }
  received(message: Uint8Array | string): void {
    this.took(message.length);
    this.#handlers?.message(message);
  }
  protected pause(): void {
    this.#ws?.pause?.();
  }
  protected resume(): void {
    this.#ws?.resume?.();
  }
  drained(): void {
    if (this.buffered === 0) this.#handlers?.drain?.();
  }
  closed(code: number, reason: string): void {
    this.#ws = undefined;
    this.#handlers?.closed(code, reason);
  }
}

/** For `Bun.serve`, when a program brings its own server. Beside it: {@link upgrader}. */
export function websocketHandlers(node: RendezvousNode): Record<string, unknown> {
  return {
    open: (ws: BunSocket) => ws.data.opened(ws),
    message: (ws: BunSocket, message: Uint8Array | string) => ws.data.received(message),
    drain: (ws: BunSocket) => ws.data.drained(),
    close: (ws: BunSocket, code: number, reason: string) => ws.data.closed(code, reason),
    maxPayloadLength: MAX_MESSAGE,
    // The relay keeps to the queue limit; this is for what it cannot know, and never closes a socket.
    backpressureLimit: node.limits.queue + 4 * MAX_MESSAGE,
    closeOnBackpressureLimit: false,
    // Sessions have their own liveness: Bun's would cycle those that are idle but healthy.
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
  };
}

/** The binding `upgrade` of the node's app for one request: `app.fetch(request, { upgrade: upgrader(request, server) })`. */
export function upgrader(request: Request, server: BunServer): Upgrade {
  return (admission) => {
    const headers = { "Sec-WebSocket-Protocol": SUBPROTOCOL };
    return server.upgrade(request, { data: new Visit(admission), headers }) ? new Response(null) : undefined;
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
  return startNode({ connect, resolve, memory, ...options }, listen, bindUdp);
}

// deno-lint-ignore require-await -- a port in use has to reject, not throw
async function listen(address: ListenAddress, app: Answerer, node: RendezvousNode): Promise<Listener> {
  const { host: hostname, tls, shared: reusePort } = address;
  const open = (port: number): BunServer =>
    Bun.serve({
      hostname,
      port,
      reusePort,
      tls: tls?.current,
      maxRequestBodySize: 65_536,
      idleTimeout: 10, // seconds: a slow request holds its connection no longer
      fetch: (request: Request, server: BunServer) => {
        const address = server.requestIP(request)?.address ?? "";
        return app.fetch(request, { upgrade: upgrader(request, server), address });
      },
      websocket: websocketHandlers(node),
    });
  let server = open(address.port);
  const { port } = server;
  const before = new Set<BunServer>();
  // `reload` does not change a certificate: another server takes over the port, the one before keeps its sockets.
  const follow = tls?.onRenewed(() => {
    const old = server;
    before.add(old);
    void old.stop(false).then(() => before.delete(old)); // when its last socket is gone
    server = open(port);
  });
  const close = async () => {
    follow?.();
    await Promise.all([server, ...before].map((each) => each.stop(true)));
  };
  return { port, close };
}
