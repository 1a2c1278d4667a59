/** What runs on Bun: waymeet's node, and the bare forwarder that is the ceiling for it. */
import { readFileSync } from "node:fs";
import type { Socket as TcpSocket } from "node:net";
import { encodeData, isData } from "../../../src/wire/data_frame.ts";
import { generateIdentity } from "../../../src/identity/identity.ts";
import { concatFrames } from "../../../src/wire/sequence.ts";
import { SUBPROTOCOL } from "../../../src/wire/protocol.ts";
import type { Connect, Socket, SocketHandlers } from "../../../src/session/socket.ts";
import { dialling, type PeerOptions, publishOf, type TestPeer, until } from "../../rendezvous/peers.ts";
import { server } from "../lanes.ts";
import { newcomers } from "./newcomer.ts";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { connect, runningOf } from "./process.ts";
import { clientMessage, upgrade, type WebSocketEvents } from "./web_socket.ts";

async function start(script: string, ...words: string[]): Promise<Running> {
  const { child, url } = await server("bun", script, ...words);
  return runningOf(child, Number(new URL(url).port));
}

export function bunVersion(): string {
  const manifest = new URL("../../../node_modules/bun/package.json", import.meta.url);
  return `Bun ${JSON.parse(readFileSync(manifest, "utf8")).version}`;
}

/** A session whose data frames are counted instead of read: its `frameSize` is theirs. */
interface Counting {
  frameSize: number;
  arrived(count: number): void;
  socket: TcpSocket | undefined;
}

function counting(state: Counting): Connect {
  return (url, handlers) => {
    void open(state, new URL(url), handlers);
    return portOf(state);
  };
}

async function open(state: Counting, { port, pathname }: URL, handlers: SocketHandlers): Promise<void> {
  state.socket = await connect(Number(port));
  state.socket.once("close", () => handlers.closed(1006, "the connection ended"));
  await upgrade(state.socket, pathname, SUBPROTOCOL, {
    counts: (bytes, start, size) =>
      isData(bytes, start) && size % state.frameSize === 0 ? size / state.frameSize : 0,
    message: (payload) => handlers.message(payload.slice()),
    arrived: (count) => state.arrived(count),
    open: () => handlers.open?.(),
  });
}

function portOf(state: Counting): Socket {
  return {
    buffered: 0,
    copies: false,
    send(message) {
      const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
      return state.socket?.write(clientMessage(bytes)) === undefined ? -1 : 0;
    },
    close: () => state.socket?.end(),
    terminate: () => state.socket?.destroy(),
  };
}

async function session(
  relay: Running,
  options: PeerOptions = {},
): Promise<{ peer: TestPeer; state: Counting }> {
  const state: Counting = { frameSize: Infinity, arrived() {}, socket: undefined };
  const peer = await dialling(`ws://127.0.0.1:${relay.port}`, counting(state), options);
  await until(() => peer.isReady);
  return { peer, state };
}

/** Milliseconds that a record lives at most (protocol rule 3): a pair that other nodes find lasts no longer. */
const LIFETIME = 299_000;

/** A peer's options with which the other nodes of a mesh find it. */
async function recorded(): Promise<PeerOptions> {
  const identity = await generateIdentity();
  const instance = new Uint8Array(16).fill(1);
  const started = Date.now();
  const changes = { instance, started, expires: started + LIFETIME };
  return {
    ...{ identity, instance, started },
    early: async (hello) => [await publishOf({ identity }, [hello.node], changes)],
  };
}

/** {@link waymeet}'s pair, whose peers also find each other when they are at two nodes. */
export async function recordedPair(relay: Running): Promise<Pair> {
  return pairOf(await session(relay, await recorded()), await session(relay, await recorded()));
}

async function waymeetPair(relay: Running): Promise<Pair> {
  return pairOf(await session(relay), await session(relay));
}

type Party = Awaited<ReturnType<typeof session>>;

function pairOf(a: Party, b: Party): Pair {
  const pair: Pair = {
    burst(size, count) {
      const frame = encodeData(b.peer.key, new Uint8Array(size));
      b.state.frameSize = frame.length;
      return clientMessage(concatFrames(Array.from({ length: count }, () => frame)));
    },
    write: (bytes) => void a.state.socket!.write(bytes),
    arrived() {},
    close: () => [a, b].forEach(({ state }) => state.socket!.destroy()),
  };
  b.state.arrived = (count) => pair.arrived(count);
  return pair;
}

export const waymeet: Opponent = {
  name: "waymeet",
  version: bunVersion,
  installed: () => true,
  install: "npm ci",
  start: (purpose) => start("bench_node.ts", "bun", purpose),
  pair: waymeetPair,
  newcomers,
  idle: async (relay) => {
    const { state } = await session(relay);
    return { close: () => state.socket!.destroy() };
  },
};

let paths = 0;

async function bareSocket(
  relay: Running,
  path: string,
  events: Partial<WebSocketEvents>,
): Promise<TcpSocket> {
  const socket = await connect(relay.port);
  await upgrade(socket, path, undefined, { counts: () => 0, message() {}, arrived() {}, ...events });
  return socket;
}

/** Carries what waymeet's lane carries, byte by byte. */
async function barePair(relay: Running): Promise<Pair> {
  const path = `/${paths++}`;
  const sender = await bareSocket(relay, path, {});
  const receiver = await bareSocket(relay, path, {
    counts: () => 1,
    arrived: (count) => pair.arrived(count),
  });
  const pair: Pair = {
    burst(size, count) {
      const message = clientMessage(encodeData(new Uint8Array(32), new Uint8Array(size)));
      return concatFrames(Array.from({ length: count }, () => message));
    },
    write: (bytes) => void sender.write(bytes),
    arrived() {},
    close: () => [sender, receiver].forEach((socket) => socket.destroy()),
  };
  return pair;
}

export const bare: Opponent = {
  name: "bare",
  version: bunVersion,
  installed: () => true,
  install: "npm ci",
  start: () => start("opponents/bare_forwarder.ts"),
  pair: barePair,
  idle: async (relay) => {
    const socket = await bareSocket(relay, `/${paths++}`, {});
    return { close: () => socket.destroy() };
  },
};
