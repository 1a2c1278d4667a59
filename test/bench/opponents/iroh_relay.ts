/**
 * iroh's relay, without TLS. A client signs a hash of the relay's challenge; then each WebSocket
 * message is a kind, a key, a byte of congestion marks and one datagram.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { blake3 } from "@noble/hashes/blake3.js";
import { generateIdentity, type Identity } from "../../../src/identity/identity.ts";
import { concatFrames } from "../../../src/wire/sequence.ts";
import type { Opponent, Pair, Running } from "./opponent.ts";
import { pairOfClients } from "./pair.ts";
import { connect, freePort, program, scratchFolder, startRelay } from "./process.ts";
import { clientMessage, upgrade } from "./web_socket.ts";

const Kind = { challenge: 0, auth: 1, confirmed: 2, denied: 3, datagram: 4, received: 6, ping: 9, pong: 10 };
const CONTEXT = new TextEncoder().encode("iroh-relay handshake v1 challenge signature");
const SIGNATURE = 64;

/** What a client signs for a challenge of 16 bytes: a key derived from it, not itself. */
export function irohSigned(challenge: Uint8Array): Uint8Array {
  return blake3(challenge, { context: CONTEXT });
}

export function irohDatagram(to: Uint8Array, payload: Uint8Array): Uint8Array {
  return concatFrames([Uint8Array.of(Kind.datagram), to, Uint8Array.of(0), payload]);
}

interface Client {
  socket: Socket;
  identity: Identity;
  arrived(count: number): void;
}

async function client(relay: Running): Promise<Client> {
  const self: Client = {
    socket: await connect(relay.port),
    identity: await generateIdentity(),
    arrived() {},
  };
  const send = (...parts: Uint8Array[]) => self.socket.write(clientMessage(concatFrames(parts)));
  await new Promise<void>((ready, reject) => {
    const message = (payload: Uint8Array): void => {
      if (payload[0] === Kind.challenge) void prove(self.identity, payload.slice(1, 17), send).catch(reject);
      else if (payload[0] === Kind.confirmed) ready();
      else if (payload[0] === Kind.denied) reject(new Error("iroh-relay denied the client"));
      else if (payload[0] === Kind.ping) send(Uint8Array.of(Kind.pong), payload.slice(1));
    };
    upgrade(self.socket, "/relay", "iroh-relay-v2", {
      counts: (bytes, start) => bytes[start] === Kind.received ? 1 : 0,
      message,
      arrived: (count) => self.arrived(count),
    }).catch(reject);
  });
  return self;
}

async function prove(
  identity: Identity,
  challenge: Uint8Array,
  send: (...parts: Uint8Array[]) => void,
): Promise<void> {
  const signature = await identity.sign(irohSigned(challenge));
  send(Uint8Array.of(Kind.auth), identity.publicKey, Uint8Array.of(SIGNATURE), signature);
}

async function pairOf(relay: Running): Promise<Pair> {
  const [sender, receiver] = [await client(relay), await client(relay)];
  const to = receiver.identity.publicKey;
  return pairOfClients(sender, receiver, (size) => clientMessage(irohDatagram(to, new Uint8Array(size))));
}

export const irohRelay: Opponent = {
  name: "iroh-relay",
  version: () =>
    execFileSync(program("iroh-relay")!, ["--version"]).toString().replace("iroh-relay", "").trim(),
  installed: () => program("iroh-relay") !== undefined,
  install: "test/bench/opponents/build.sh iroh-relay",
  async start() {
    const port = await freePort();
    const config = join(scratchFolder("iroh"), "relay.toml");
    writeFileSync(config, `http_bind_addr = "127.0.0.1:${port}"\nenable_metrics = false\n`);
    const command = [program("iroh-relay")!, "--dev", "--config-path", config];
    return await startRelay(command, port, { TOKIO_WORKER_THREADS: "1", RUST_LOG: "error" });
  },
  pair: pairOf,
  idle: async (relay) => {
    const { socket } = await client(relay);
    return { close: () => socket.destroy() };
  },
};
