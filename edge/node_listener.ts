/**
 * Listening with `node:http` and `node:https`: on Node, and on Deno where TLS is wanted.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { type WebSocket, WebSocketServer } from "ws";
import type { Admission } from "../src/rendezvous/admission.ts";
import type { NodeBindings } from "../src/rendezvous/app.ts";
import type { Answerer, ListenAddress, Listener } from "../src/rendezvous/serve.ts";
import type { Socket } from "../src/session/socket.ts";
import { MAX_MESSAGE } from "../src/wire/limits.ts";
import { SUBPROTOCOL } from "../src/wire/protocol.ts";

class NodeSocket implements Socket {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }
  get buffered(): number {
    return this.#ws.bufferedAmount;
  }
  send(message: Uint8Array | string): number {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN) return -1;
    ws.send(ws.bufferedAmount > 0 ? unpinned(message) : message);
    return ws.bufferedAmount;
  }
  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }
  terminate(): void {
    this.#ws.terminate();
  }
}

/** What waits in a queue would keep alive all that came with it in one read of the network (protocol rule 15). */
function unpinned(message: Uint8Array | string): Uint8Array | string {
  return typeof message === "string" || message.byteLength === message.buffer.byteLength
    ? message
    : Uint8Array.from(message);
}

/** The same bytes, of which `slice` makes copies. */
function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function attach(ws: WebSocket, socket: Duplex, admission: Admission): void {
  const handlers = admission.open(new NodeSocket(ws));
  if (handlers === undefined) return ws.terminate();
  ws.on("message", (data, isBinary) => {
    handlers.message(isBinary ? plain(data as Buffer) : data.toString());
  });
  readFairly(ws, socket);
  ws.on("close", (code, reason) => handlers.closed(code, reason.toString()));
  ws.on("error", () => {}); // "close" follows
  socket.on("drain", () => ws.bufferedAmount === 0 && handlers.drain?.());
}

/** Bytes that one socket may bring in one turn of the event loop while others wait: one read of Node. */
const QUANTUM = 65_536;
/** A smaller read took all that was there (16 KiB: a record of TLS). */
const LARGE = 16_384;

/**
 * libuv reads up to 32 times from one socket before it looks at the next one, 2 MiB that a peer who floods has always
 * ready. Measured, with eight of them at a node that had a tenth of a core, words of others took 7 s.
 */
function readFairly(ws: WebSocket, socket: Duplex): void {
  let taken = 0;
  const nextTurn = () => {
    taken = 0;
    ws.resume();
  };
  socket.on("data", ({ length }: Uint8Array) => {
    if (length < LARGE) return;
    if (taken === 0) setImmediate(nextTurn);
    taken += length;
    if (taken >= QUANTUM) ws.pause();
  });
}

/**
 * Answers upgrade requests of a server, for a program that brings its own: each goes
 * through `app`, in which the node is mounted.
 */
export function answerUpgrades(server: Server | TlsServer, app: Answerer): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    handleProtocols: () => SUBPROTOCOL,
  });
  server.on("upgrade", (incoming, socket, head) => {
    const drop = () => void socket.destroy();
    socket.on("error", drop);
    answerUpgrade(sockets, app, incoming, socket, head).catch(drop);
  });
  return sockets;
}

async function answerUpgrade(
  sockets: WebSocketServer,
  app: Answerer,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const bindings: NodeBindings = {
    address: incoming.socket.remoteAddress ?? "",
    upgrade(admission) {
      const release = () => admission.release();
      socket.once("close", release); // `ws` answers what is no handshake itself, and hangs up
      sockets.handleUpgrade(incoming, socket, head, (ws) => attach(ws, socket, admission));
      return new Response(null, { headers: UPGRADED });
    },
  };
  const response = await app.fetch(requestOf(incoming), bindings);
  if (!response.headers.has(UPGRADED_HEADER)) await refuse(socket, response);
}

/** Only between this file's two halves: the wire never sees it. */
const UPGRADED_HEADER = "x-waymeet-upgraded";
const UPGRADED = { [UPGRADED_HEADER]: "1" };

function requestOf({ url = "/", headers }: IncomingMessage): Request {
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Request(new URL(url, "http://node.invalid"), { headers: pairs });
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("connection", response.status === 426 ? "close, Upgrade" : "close");
  headers.set("content-length", String(body.length));
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}\r\n${lines}\r\n`;
  hangUp(socket, Buffer.concat([Buffer.from(head, "latin1"), body]));
}

/** Milliseconds that the answer to a refused upgrade has to get through. */
const LINGER = 1_000;

/**
 * Nobody reads such a socket: unread, it would never learn that the client is gone, and hold its descriptor
 * for ever. Closed with something unread it would be reset, and the answer lost with it; so what comes is read
 * and dropped for a moment.
 */
function hangUp(socket: Duplex, answer: Buffer): void {
  const deadline = setTimeout(() => socket.destroy(), LINGER);
  socket.once("close", () => clearTimeout(deadline));
  socket.resume().end(answer);
}

/** Milliseconds; a slow request holds its connection no longer. */
const PATIENCE = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_500 };

/** Listens at an address, and answers from then on with each renewed certificate. */
export async function listenOnNode(
  { host, port, tls, shared = false }: ListenAddress,
  app: Answerer,
): Promise<Listener> {
  const answer = getRequestListener((request, env) => {
    const { incoming } = env as { incoming: IncomingMessage };
    return app.fetch(request, { address: incoming.socket.remoteAddress ?? "" });
  }, { overrideGlobalObjects: false });
  const secure = tls && createTlsServer({ ...PATIENCE, ...tls.current }, answer);
  const server: Server | TlsServer = secure ?? createServer(PATIENCE, answer);
  const sockets = answerUpgrades(server, app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen({ port, host, exclusive: !shared }, resolve);
  });
  const follow = tls?.onRenewed((certificate) => secure?.setSecureContext(certificate));
  const close = async () => {
    follow?.();
    await closeServer(server, sockets);
  };
  return { port: (server.address() as AddressInfo).port, close };
}

function closeServer(server: Server | TlsServer, sockets: WebSocketServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections(); // not those that were upgraded
    for (const ws of sockets.clients) ws.terminate();
  });
}
