/**
 * `overload_flood.ts URL PAIRS`: pairs of peers without the SDK's flow control, which send single frames of 64 bytes
 * through a node: as many as it takes, or as many as told. Orders and answers are JSON lines.
 *
 * @module
 */
import type { Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Connect } from "../../src/session/socket.ts";
import { connectWith, type WebSocketConstructor } from "../../src/session/web_socket.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { dialling, type TestPeer, until } from "../rendezvous/peers.ts";

/** `rate`: frames a second that are offered; none: as many as come through, and no more. */
export interface FloodOrder {
  rate?: number;
  milliseconds: number;
}

export interface Flooded {
  offered: number;
  arrived: number;
  seconds: number;
}

const [url, pairs] = [process.argv[2]!, Number(process.argv[3])];
const PAYLOAD = new Uint8Array(64);
/** Frames that are handed over at once, each a WebSocket message of its own: this process is to cost less than the node. */
const BURST = 32;
/** Frames of one pair under way at the node's best. */
const WINDOW = 512;
/** Bytes that may wait in this process for one socket: what is beyond is offered and not sent. */
const BUFFER = 1 << 20;

/** A dialler, and the TCP connection that it will have made. */
function dialler(): { connect: Connect; socket: () => Socket } {
  let made: WebSocket | undefined;
  class Kept extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { perMessageDeflate: false });
      made = this;
    }
  }
  const socket = () => (made as unknown as { _socket: Socket })._socket;
  return { connect: connectWith(Kept as unknown as WebSocketConstructor), socket };
}

/** Frames as WebSocket messages (RFC 6455 §5.2), masked with zeros, which change nothing. */
function messages(frame: Uint8Array, count: number): Uint8Array {
  const one = new Uint8Array([0x82, 0x80 | frame.length, 0, 0, 0, 0, ...frame]);
  return concatFrames(Array.from({ length: count }, () => one));
}

class Pair {
  offered = 0;
  sent = 0;
  arrived = 0;
  readonly #socket: Socket;
  readonly #burst: Uint8Array;

  private constructor(socket: Socket, to: TestPeer) {
    this.#socket = socket;
    this.#burst = messages(encodeData(to.key, PAYLOAD), BURST);
    to.data = () => void this.arrived++;
  }

  static async open(): Promise<Pair> {
    const { connect, socket } = dialler();
    const [from, to] = [await dialling(url, connect), await dialling(url, dialler().connect)];
    await until(() => from.isReady && to.isReady);
    return new Pair(socket(), to);
  }

  send(): void {
    this.offered += BURST;
    if (this.#socket.writableLength > BUFFER) return;
    this.sent += BURST;
    this.#socket.write(this.#burst);
  }
}

async function run({ rate, milliseconds }: FloodOrder): Promise<Flooded> {
  for (const pair of all) pair.offered = pair.sent = pair.arrived = 0;
  const start = performance.now();
  for (let now = start, due = 0; now - start < milliseconds; now = performance.now()) {
    if (rate === undefined) { for (const pair of all) while (pair.sent - pair.arrived < WINDOW) pair.send(); }
    else {for (const until = (now - start) / 1_000 * rate / BURST; due < until; due++) {
        all[due % all.length]!.send();
      }}
    await turn();
  }
  const seconds = (performance.now() - start) / 1_000;
  const sum = (what: "offered" | "arrived") => all.reduce((sum, pair) => sum + pair[what], 0);
  return { offered: sum("offered"), arrived: sum("arrived"), seconds };
}

/** What is under way has arrived, or is lost. */
async function settle(): Promise<void> {
  const arrived = () => all.reduce((sum, pair) => sum + pair.arrived, 0);
  for (let before = -1; before < arrived();) {
    before = arrived();
    await sleep(500);
  }
}

const all = await Promise.all(Array.from({ length: pairs }, () => Pair.open()));
process.stdout.write('{"event":"ready"}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const flooded = await run(JSON.parse(line) as FloodOrder);
  await settle();
  process.stdout.write(`${JSON.stringify({ event: "flooded", ...flooded })}\n`);
}
process.exit(0);
