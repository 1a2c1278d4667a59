/**
 * The lane between the workers of one machine: Unix sockets in a directory that only their user may enter. What
 * crosses from one worker to the other is masked by nobody, and the system has no network to pretend.
 *
 * @module
 */
import { rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Admission } from "../src/rendezvous/admission.ts";
import type { Answerer } from "../src/rendezvous/bindings.ts";
import type { Lane } from "../src/rendezvous/serve.ts";
import { LaneSocket } from "../src/session/lane_socket.ts";
import type { Socket, SocketHandlers } from "../src/session/socket.ts";
import { SUBPROTOCOL } from "../src/wire/protocol.ts";
import { bunSockets } from "./unix_bun.ts";
import { nodeSockets } from "./unix_node.ts";

const sockets = "Bun" in globalThis ? bunSockets : nodeSockets;

/** Bytes of memory that all lanes of a machine may take, and one way of one lane: what busy peers bring in a few turns. */
const MEMORY = 16_777_216;
const [LEAST_ROOM, MOST_ROOM] = [65_536, 1_048_576] as const;

/** Policy violation (RFC 6455 §7.4.1): the node does not let the dialer in. */
const REFUSED = 1008;

/**
 * The lane in `directory` of the worker that others dial at the address `own`, `host:port`; `siblings`: the addresses
 * of all that have one.
 */
export function laneIn(directory: string, own: string, siblings: readonly string[]): Lane {
  const pathOf = (address: string) => join(directory, `${siblings.indexOf(address)}.sock`);
  return {
    listen: (app) => listen(pathOf(own), app),
    dialer: (connect) => (url, handlers) => {
      const { host } = new URL(url);
      if (!siblings.includes(host)) return connect(url, handlers);
      return dial(pathOf(host), url, handlers, roomAmong(siblings.length));
    },
  };
}

/** Bytes for each way of a lane, a power of two: each of so many processes has a lane to each other one. */
export function roomAmong(processes: number): number {
  const share = MEMORY / (processes * (processes - 1));
  return Math.min(MOST_ROOM, Math.max(LEAST_ROOM, 2 ** Math.floor(Math.log2(share))));
}

/** The first message is the URL that a WebSocket would have been dialled with. */
function dial(path: string, url: string, handlers: SocketHandlers, room: number): Socket {
  const socket: LaneSocket = new LaneSocket({
    open() {
      socket.handlers = handlers;
      socket.send(url);
      handlers.open?.();
    },
    message() {},
    closed: (code, reason) => handlers.closed(code, reason),
  });
  sockets.connect(path, socket, room);
  return socket;
}

async function listen(path: string, app: Answerer): Promise<{ close(): Promise<void> }> {
  rmSync(path, { force: true }); // of the one before, which was killed
  const server = await sockets.listen(path, () => acceptor(app));
  const leave = (): void => leaveNothing(path);
  process.once("exit", leave); // Node ends the workers of a cluster at once when the process above them was killed
  return {
    async close() {
      await server.close();
      process.off("exit", leave);
      leave();
    },
  };
}

/** The last one takes the directory, too: nobody may be left above who would. */
function leaveNothing(path: string): void {
  rmSync(path, { force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // others are still in it
  }
}

function acceptor(app: Answerer): LaneSocket {
  const socket: LaneSocket = new LaneSocket({
    message(url) {
      socket.handlers = EARLY;
      answer(socket, app, String(url)).catch((error: Error) => socket.close(REFUSED, error.message));
    },
    closed() {},
  });
  return socket;
}

/** Who dials waits for the node's hello. */
const EARLY: SocketHandlers = { message() {}, closed() {} };

const HANDSHAKE = { upgrade: "websocket", "sec-websocket-protocol": SUBPROTOCOL };

async function answer(socket: LaneSocket, app: Answerer, url: string): Promise<void> {
  const request = new Request(url.replace(/^ws/, "http"), { headers: HANDSHAKE });
  const upgrade = (admission: Admission) => take(socket, admission) ? new Response(null) : undefined;
  const response = await app.fetch(request, { upgrade, address: "127.0.0.1" });
  if (socket.handlers === EARLY) socket.close(REFUSED, await response.text());
}

/** Whether the socket is still there for the node to have. */
function take(socket: LaneSocket, admission: Admission): boolean {
  const handlers = socket.isOpen ? admission.open(socket) : undefined;
  if (handlers !== undefined) socket.handlers = handlers;
  return handlers !== undefined;
}
