/** Hyperswarm's connections (HyperDHT: Noise over UDX) through its blind relay. */
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { runtimes } from "../../runtimes.ts";
import { type Contender, type End, hasPackage, load, versionOf } from "./contender.ts";
import { firstLine } from "./lines.ts";
import { framed, Receipts, Receiver } from "./receipts.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

export const hyperdht = async (): Promise<Any> => (await load("hyperdht", "index.js")).default;
export const relaying = async (): Promise<Any> => (await load("blind-relay", "index.js")).default;

interface Relay {
  host: string;
  port: number;
  key: string;
}

async function table({ host, port }: Relay): Promise<Any> {
  const DHT = await hyperdht();
  return new DHT({ bootstrap: [{ host, port }] });
}

export const end: End = {
  async listen(relay) {
    const where = JSON.parse(relay) as Relay;
    const options = { shareLocalAddress: false, relayThrough: Buffer.from(where.key, "hex") };
    const server = (await table(where)).createServer(options, (socket: Any) => {
      const receiver = new Receiver((bytes) => socket.write(bytes));
      socket.on("error", () => {}).on("data", (piece: Uint8Array) => receiver.take(piece));
    });
    const keys = (await hyperdht()).keyPair();
    await server.listen(keys);
    return keys.publicKey.toString("hex");
  },
  async dial(relay, address) {
    const where = JSON.parse(relay) as Relay;
    const options = { relayThrough: Buffer.from(where.key, "hex"), fastOpen: false, localConnection: false };
    const socket = (await table(where)).connect(Buffer.from(address, "hex"), options);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const receipts = new Receipts();
    socket.on("data", (piece: Uint8Array) => receipts.take(piece));
    return {
      async send(message) {
        const receipt = receipts.promise();
        if (!socket.write(framed(message))) await new Promise((drained) => socket.once("drain", drained));
        await receipt;
      },
      path: () => socket.rawStream.remoteHost === where.host ? "relay" : "direct",
    };
  },
};

export const hyperswarm: Contender = {
  name: "hyperdht",
  version: () => versionOf("hyperdht"),
  module: new URL("./hyperdht.ts", import.meta.url),
  runtime: "node",
  installed: () => hasPackage("hyperdht") && hasPackage("blind-relay"),
  install: "test/bench/opponents/build.sh libraries",
  async relay(spawn, address) {
    const { command } = runtimes().find(({ name }) => name === "node")!;
    const script = fileURLToPath(new URL("./hyperdht_relay.ts", import.meta.url));
    return await firstLine(spawn([...command, script, address]));
  },
};
