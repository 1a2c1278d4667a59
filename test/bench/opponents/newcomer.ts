/**
 * Peers that do what a node sees of a handshake and no more, so that one process brings more of them than a node can
 * take: their keys are made beforehand, and they believe the welcome. A node that waits for its dialers between
 * two steps finds its caches cold, and that would be counted as the handshake's cost.
 */
import { randomBytes } from "node:crypto";
import type { Socket as TcpSocket } from "node:net";
import { generateIdentity, type Identity } from "../../../src/identity/identity.ts";
import { firstFrame } from "../../../src/session/early.ts";
import { authSigned, encodeAuth, encodeAuthBody, encodePing } from "../../../src/wire/frames.ts";
import { type Hello, Role, SUBPROTOCOL } from "../../../src/wire/protocol.ts";
import type { Running } from "./opponent.ts";
import { connect } from "./process.ts";
import { clientMessage, upgrade } from "./web_socket.ts";

/** What opens one connection after the other, each with a key that the node never met. */
export async function newcomers(
  relay: Running,
  count: number,
): Promise<() => Promise<{ close(): void }>> {
  const identities = await Promise.all(Array.from({ length: count }, () => generateIdentity()));
  return async () => {
    const identity = identities.pop();
    if (identity === undefined) throw new RangeError(`${count} newcomers were asked for, and all have come`);
    const socket = await connect(relay.port);
    await shakeHands(socket, identity);
    return { close: () => socket.destroy() };
  };
}

function shakeHands(socket: TcpSocket, identity: Identity): Promise<void> {
  const say = (frame: Uint8Array) => void socket.write(clientMessage(frame));
  return new Promise((resolve, reject) => {
    const message = async (bytes: Uint8Array) => {
      const first = firstFrame(bytes.slice());
      if (first.kind === "hello") return say(await authFor(first.frame, identity, socket));
      if (first.kind !== "welcome") return;
      say(encodePing(new Uint8Array(randomBytes(8)))); // as every dialer does, to know how far the node is
      resolve();
    };
    socket.once("close", () => reject(new Error("the node hung up before its welcome")));
    const events = {
      counts: () => 0,
      message: (bytes: Uint8Array) => void message(bytes).catch(reject),
      arrived() {},
    };
    upgrade(socket, `/v1/connect/${identity.id}`, SUBPROTOCOL, events).catch(reject);
  });
}

async function authFor(hello: Hello, identity: Identity, { remotePort }: TcpSocket): Promise<Uint8Array> {
  const body = encodeAuthBody({
    ...{ id: identity.publicKey, role: Role.peer, instance: new Uint8Array(16), started: Date.now() },
    ...{
      network: hello.network,
      challenge: new Uint8Array(randomBytes(32)),
      host: `127.0.0.1:${remotePort}`,
    },
    ...{ agent: "test/1", features: [], token: null },
  });
  return encodeAuth(body, await identity.sign(authSigned(Role.peer, hello.bytes, body)));
}
