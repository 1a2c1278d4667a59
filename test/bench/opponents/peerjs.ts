/**
 * PeerJS's server passes the offers of WebRTC between peers: text in JSON, which it reads and
 * writes anew. Payloads here are as many letters as others have bytes.
 */
import { existsSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { pairOfClients } from "./pair.ts";
import { cache, connect, freePort, startRelay } from "./process.ts";
import { clientMessage, upgrade } from "./web_socket.ts";

const TEXT = 0x81;
/** Longer than `{"type":"OPEN"}`, shorter than any offer. */
const OFFER = 32;
/** Milliseconds; the server ends whom it has not heard for 60,000. */
const HEARTBEAT = 20_000;

const text = (words: unknown): Uint8Array =>
  clientMessage(new TextEncoder().encode(JSON.stringify(words)), TEXT);

/** What a peer sends for another: `size` letters. */
export function offer(to: string, size: number): Uint8Array {
  return text({ type: "OFFER", dst: to, payload: "x".repeat(size) });
}

interface Client {
  socket: Socket;
  id: string;
  arrived(count: number): void;
}

async function client(relay: Running): Promise<Client> {
  const self: Client = { socket: await connect(relay.port), id: crypto.randomUUID(), arrived() {} };
  await new Promise<void>((ready, reject) => {
    upgrade(self.socket, `/peerjs?key=peerjs&id=${self.id}&token=${self.id.slice(0, 8)}`, undefined, {
      counts: (_bytes, _start, size) => size > OFFER ? 1 : 0,
      message: (payload) => new TextDecoder().decode(payload).includes("OPEN") && ready(),
      arrived: (count) => self.arrived(count),
    }).catch(reject);
  });
  const beat = setInterval(() => self.socket.write(text({ type: "HEARTBEAT" })), HEARTBEAT);
  self.socket.once("close", () => clearInterval(beat));
  return self;
}

async function pairOf(relay: Running): Promise<Pair> {
  const [sender, receiver] = [await client(relay), await client(relay)];
  return pairOfClients(sender, receiver, (size) => offer(receiver.id, size));
}

const FOLDER = cache("npm", "node_modules", "peer");

export const peerjs: Opponent = {
  name: "peerjs",
  version: () => JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8")).version,
  installed: () => existsSync(FOLDER),
  install: "test/bench/opponents/build.sh peerjs",
  async start() {
    const port = await freePort();
    const words = ["--host", "127.0.0.1", "--port", String(port)];
    return await startRelay([
      process.execPath,
      join(FOLDER, "dist", "bin", "peerjs.js"),
      ...words,
      "--concurrent_limit",
      "20000",
    ], port);
  },
  pair: pairOf,
  idle: async (relay) => {
    const { socket } = await client(relay);
    return { close: () => socket.destroy() };
  },
};
