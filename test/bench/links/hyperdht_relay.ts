/** `hyperdht_relay.ts HOST`: a small table of nodes and a blind relay, which tells where they are. */
import process from "node:process";
import { hyperdht, relaying } from "./hyperdht.ts";

const PORT = 49_737;
/** Nodes beside the first: alone it announces nobody. */
const OTHERS = 4;

const host = process.argv[2]!;
const DHT = await hyperdht();
await DHT.bootstrapper(PORT, host).ready();
const bootstrap = [{ host, port: PORT }];
const node = async () => {
  const made = new DHT({ bootstrap, host, ephemeral: false, firewalled: false });
  await made.ready();
  return made;
};
for (let i = 0; i < OTHERS; i++) await node();
const dht = await node();
const { Server } = await relaying();
const relay = new Server({
  createStream: (options: object) => dht.createRawStream({ ...options, framed: true }),
});
// deno-lint-ignore no-explicit-any
const server = dht.createServer({ shareLocalAddress: false }, (socket: any) => {
  socket.on("error", () => {});
  relay.accept(socket, { id: socket.remotePublicKey }).on("error", () => {});
});
const keys = DHT.keyPair();
await server.listen(keys);
console.log(JSON.stringify({ host, port: PORT, key: keys.publicKey.toString("hex") }));
