/** js-libp2p's streams over its circuit relay v2: TCP, Noise, Yamux, limits of the relay off. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runtimes } from "../../runtimes.ts";
import { type Contender, type End, hasPackage, load, versionOf } from "./contender.ts";
import { firstLine } from "./lines.ts";
import { framed, Receipts, Receiver } from "./receipts.ts";

const PROTOCOL = "/waymeet-bench/1";
const LIMITED = { runOnLimitedConnection: true };
const INDEX = "dist/src/index.js";
/** Milliseconds. */
const RESERVATION = 20_000;

/** Node 20 lacks it, and libp2p wants it. */
interface Resolvers {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}
const promises = Promise as unknown as { withResolvers?: () => Resolvers };
promises.withResolvers ??= () => {
  const resolvers = {} as Resolvers;
  resolvers.promise = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
  return resolvers;
};

/** A stream of libp2p, as far as it is used here. */
interface Stream {
  send(bytes: Uint8Array): boolean;
  addEventListener(name: string, listener: (event: Event & { data: Bytes }) => void, once?: object): void;
}
type Bytes = Uint8Array | { subarray(): Uint8Array };

const plain = (bytes: Bytes): Uint8Array => bytes instanceof Uint8Array ? bytes : bytes.subarray();

// deno-lint-ignore no-explicit-any
export async function host(options: { listen: string[]; serves: boolean }): Promise<any> {
  const [{ createLibp2p }, { tcp }, { noise }, { yamux }, { identify }, circuit] = await Promise.all([
    load("libp2p", INDEX),
    load("@libp2p/tcp", INDEX),
    load("@libp2p/noise", INDEX),
    load("@libp2p/yamux", INDEX),
    load("@libp2p/identify", INDEX),
    load("@libp2p/circuit-relay-v2", INDEX),
  ]);
  const relay = circuit.circuitRelayServer({ reservations: { applyDefaultLimit: false } });
  return await createLibp2p({
    addresses: { listen: options.listen },
    transports: options.serves ? [tcp()] : [tcp(), circuit.circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ...options.serves ? { relay } : {} },
  });
}

export const end: End = {
  async listen(relay) {
    const self = await host({ listen: [`${relay}/p2p-circuit`], serves: false });
    const answer = (stream: Stream) => {
      const receiver = new Receiver((bytes) => stream.send(bytes));
      stream.addEventListener("message", ({ data }) => receiver.take(plain(data)));
    };
    await self.handle(PROTOCOL, answer, LIMITED);
    for (const until = performance.now() + RESERVATION; performance.now() < until; await sleep(50)) {
      const [address] = self.getMultiaddrs();
      if (address) return String(address);
    }
    throw new Error("libp2p's relay gave no reservation");
  },
  async dial(_relay, address) {
    const self = await host({ listen: [], serves: false });
    const { multiaddr } = await load("@multiformats/multiaddr", INDEX);
    const stream = await self.dialProtocol(multiaddr(address), PROTOCOL, LIMITED) as Stream;
    const receipts = new Receipts();
    stream.addEventListener("message", ({ data }) => receipts.take(plain(data)));
    return {
      async send(message) {
        const receipt = receipts.promise();
        if (!stream.send(framed(message))) {
          await new Promise<void>((go) => stream.addEventListener("drain", () => go(), { once: true }));
        }
        await receipt;
      },
      path: () =>
        self.getConnections().some((c: { limits?: unknown; remoteAddr: unknown }) =>
            String(c.remoteAddr).includes("/p2p-circuit")
          )
          ? "relay"
          : "direct",
    };
  },
};

export const libp2p: Contender = {
  name: "js-libp2p",
  version: () => versionOf("libp2p"),
  module: new URL("./libp2p.ts", import.meta.url),
  runtime: "node",
  installed: () => hasPackage("libp2p") && hasPackage("@libp2p/circuit-relay-v2"),
  install: "test/bench/opponents/build.sh libraries",
  async relay(spawn, address) {
    const { command } = runtimes().find(({ name }) => name === "node")!;
    const script = fileURLToPath(new URL("./libp2p_relay.ts", import.meta.url));
    return await firstLine(spawn([...command, script, address]));
  },
};
