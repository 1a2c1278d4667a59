/**
 * coturn as a TURN server over TCP: two allocations, each bound to the other, so that what one client sends
 * goes through two relayed addresses of the server, with UDP between them. That is how two peers behind
 * hostile NATs use it.
 */
import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import type { TransportAddress } from "../../../src/stun/address.ts";
import { FrameReader } from "../frame_reader.ts";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { pairOfClients } from "./pair.ts";
import { connect, freePort, program, startRelay } from "./process.ts";
import { allocate, answer, channelBind, channelData, relayedAddress, turnFraming } from "./turn_frames.ts";

/** Bytes that the server's own UDP sockets in between hold for sure (Linux counts twice what `rmem_default` says). */
const SOCKET = 100_000;
/** Bytes that Linux charges for a datagram besides its own. */
const OVERHEAD = 768;

interface Client {
  socket: Socket;
  address: TransportAddress;
  ask(request: Uint8Array): Promise<Uint8Array>;
  arrived(count: number): void;
}

async function client(relay: Running): Promise<Client> {
  const socket = await connect(relay.port);
  let answered = (_: Uint8Array): void => {};
  const ask = (request: Uint8Array) =>
    new Promise<Uint8Array>((resolve) => {
      answered = resolve;
      socket.write(request);
    });
  const self = { socket, ask, arrived(_: number) {} };
  const framing = turnFraming((frame) => answered(frame.slice()));
  const reader = new FrameReader(framing, (count) => self.arrived(count));
  socket.on("data", (chunk) => reader.push(chunk as Uint8Array));
  return Object.assign(self, { address: relayedAddress(answer(await ask(allocate()))) });
}

async function pairOf(relay: Running): Promise<Pair> {
  const [sender, receiver] = [await client(relay), await client(relay)];
  for (const [one, other] of [[sender, receiver], [receiver, sender]] as const) {
    answer(await one.ask(channelBind(other.address)));
  }
  const pair = pairOfClients(sender, receiver, (size) => channelData(new Uint8Array(size)));
  return Object.assign(pair, { window: (size: number) => Math.floor(SOCKET / (size + OVERHEAD)) });
}

export const coturn: Opponent = {
  name: "coturn",
  version: () => /\d[\d.]*/.exec(execFileSync(program("turnserver")!, ["--version"]).toString())![0],
  installed: () => program("turnserver") !== undefined,
  install: "apt-get install coturn",
  async start() {
    const port = await freePort();
    const words = ["-n", "--no-auth", "--no-cli", "--no-tls", "--no-dtls", "--no-udp", "--no-stdout-log"];
    words.push("--allow-loopback-peers", "--log-file", "/dev/null", "--pidfile", "/dev/null");
    words.push("-L", "127.0.0.1", "-E", "127.0.0.1", "-p", String(port), "-m", "1");
    return await startRelay([program("turnserver")!, ...words], port);
  },
  pair: pairOf,
  idle: async (relay) => {
    const { socket } = await client(relay);
    return { close: () => socket.destroy() };
  },
};
