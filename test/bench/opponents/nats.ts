/**
 * NATS core: publish and subscribe by lines of text (docs.nats.io/reference/nats-protocol).
 * One connection publishes to a subject, another has subscribed to it.
 */
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import { FrameReader, type Framing } from "../frame_reader.ts";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { pairOfClients } from "./pair.ts";
import { connect, freePort, program, startRelay } from "./process.ts";

const MESSAGE = "M".charCodeAt(0);
const NEWLINE = 10;

/** `PUB subject size CRLF payload CRLF` */
export function publish(subject: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`PUB ${subject} ${payload.length}\r\n`), payload, Buffer.from("\r\n")]);
}

/** Bytes of `MSG subject sid size CRLF payload CRLF`. */
export function messageSize(subject: string, size: number): number {
  return `MSG ${subject} 1 ${size}\r\n`.length + size + 2;
}

/** Every message has the size that `expected` tells; each other line is given to `line`. */
export function natsFraming(expected: () => number, line: (text: string) => void): Framing {
  return {
    length: (bytes, offset) =>
      bytes[offset] === MESSAGE
        ? expected()
        : bytes.indexOf(NEWLINE, offset) + 1 - offset > 0
        ? bytes.indexOf(NEWLINE, offset) + 1 - offset
        : 0,
    counts: (bytes, offset) => bytes[offset] === MESSAGE ? 1 : 0,
    other: (frame) => line(Buffer.from(frame).toString().trim()),
  };
}

interface Client {
  socket: Socket;
  size: number;
  arrived(count: number): void;
}

/** Resolves when the server has answered a ping, and so has taken the subscription. */
async function client(relay: Running, words: string): Promise<Client> {
  const socket = await connect(relay.port);
  const self: Client = { socket, size: 0, arrived() {} };
  await new Promise<void>((ready) => {
    const line = (text: string): void => {
      if (text.startsWith("INFO")) {
        socket.write(`CONNECT {"verbose":false,"pedantic":false}\r\n${words}PING\r\n`);
      } else if (text === "PING") socket.write("PONG\r\n");
      else if (text === "PONG") ready();
      else throw new Error(`NATS says ${text}`);
    };
    const reader = new FrameReader(natsFraming(() => self.size, line), (count) => self.arrived(count));
    socket.on("data", (chunk) => reader.push(chunk as Uint8Array));
  });
  return self;
}

let subjects = 0;

async function pairOf(relay: Running): Promise<Pair> {
  const subject = `bench.${subjects++}`;
  const receiver = await client(relay, `SUB ${subject} 1\r\n`);
  const sender = await client(relay, "");
  return pairOfClients(sender, receiver, (size) => {
    receiver.size = messageSize(subject, size);
    return publish(subject, new Uint8Array(size));
  });
}

export const nats: Opponent = {
  name: "nats-server",
  version: () => execFileSync(program("nats-server")!, ["--version"]).toString().replace(/^.*v/, "").trim(),
  installed: () => program("nats-server") !== undefined,
  install: "apt-get install nats-server",
  async start() {
    const port = await freePort();
    const command = [program("nats-server")!, "--addr", "127.0.0.1", "--port", String(port)];
    return await startRelay(command, port, { GOMAXPROCS: "1" });
  },
  pair: pairOf,
  idle: async (relay) => {
    const { socket } = await client(relay, `SUB bench.idle.${subjects++} 1\r\n`);
    return { close: () => socket.destroy() };
  },
};
