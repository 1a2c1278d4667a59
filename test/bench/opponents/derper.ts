/** Tailscale's relay, without TLS. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { x25519 } from "@noble/curves/ed25519.js";
import { FrameReader } from "../frame_reader.ts";
import { clientInfo, Derp, DERP_HEAD, derpFrame, derpFraming, sendPacket, serverKey } from "./derp_frames.ts";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { pairOfClients } from "./pair.ts";
import { connect, freePort, program, scratchFolder, startRelay } from "./process.ts";
import { requestUpgrade } from "./web_socket.ts";

interface Client {
  socket: Socket;
  key: Uint8Array;
  arrived(count: number): void;
}

async function client(relay: Running): Promise<Client> {
  const socket = await connect(relay.port);
  const secret = x25519.utils.randomSecretKey();
  const self: Client = { socket, key: x25519.getPublicKey(secret), arrived() {} };
  const rest = await requestUpgrade(socket, [
    "GET /derp HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: DERP",
  ]);
  await new Promise<void>((ready) => {
    const other = (frame: Uint8Array): void => {
      const server = serverKey(frame);
      if (server !== undefined) socket.write(clientInfo(secret, server, randomBytes(24)));
      else if (frame[0] === Derp.serverInfo) ready();
      else if (frame[0] === Derp.ping) socket.write(derpFrame(Derp.pong, frame.slice(DERP_HEAD)));
    };
    const reader = new FrameReader(derpFraming(other), (count) => self.arrived(count));
    socket.on("data", (chunk) => reader.push(chunk as Uint8Array));
    if (rest.length > 0) reader.push(rest);
  });
  return self;
}

async function pairOf(relay: Running): Promise<Pair> {
  const [sender, receiver] = [await client(relay), await client(relay)];
  return pairOfClients(sender, receiver, (size) => sendPacket(receiver.key, new Uint8Array(size)));
}

export const derper: Opponent = {
  name: "derper",
  version: () => /^[\d.]+/.exec(execFileSync(program("derper")!, ["-version"]).toString())![0],
  installed: () => program("derper") !== undefined,
  install: "test/bench/opponents/build.sh derper",
  async start(purpose) {
    const port = await freePort();
    const key = join(scratchFolder("derper"), "key");
    const words = ["-a", `127.0.0.1:${port}`, "-c", key, "-http-port", "-1", "-stun=false"];
    // Its queue of 32 packets drops the oldest: deep enough for the window, so that nothing is lost.
    const queue: Record<string, string> = purpose === "idle"
      ? {}
      : { TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH: "512" };
    return await startRelay([program("derper")!, ...words], port, { GOMAXPROCS: "1", ...queue });
  },
  pair: pairOf,
  idle: async (relay) => {
    const { socket } = await client(relay);
    return { close: () => socket.destroy() };
  },
};
