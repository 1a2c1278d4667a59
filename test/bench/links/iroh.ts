/** iroh's own binding for Node: QUIC streams through its relay. Bytes cross into Rust as arrays of numbers. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { program, scratchFolder } from "../opponents/process.ts";
import { type Contender, type End, hasPackage, load, versionOf } from "./contender.ts";
import { framed, Receipts, Receiver } from "./receipts.ts";

const PROTOCOL = [...new TextEncoder().encode("waymeet-bench/1")];
const PORT = 3340;
/** Milliseconds until the relay listens; its start is not measured. */
const START = 3_000;
const PIECE = 65_536;

/** What Rust closes as soon as JavaScript forgets it. */
const held: unknown[] = [];

interface Stream {
  send: { writeAll(bytes: number[]): Promise<void> };
  recv: { read(most: number): Promise<number[]> };
}

// deno-lint-ignore no-explicit-any
async function endpoint(relay: string): Promise<any> {
  const iroh = (await load("@number0/iroh", "index.js")).default;
  const builder = iroh.Endpoint.builder();
  iroh.presetMinimal?.(builder);
  builder.applyMinimal();
  builder.alpns([PROTOCOL]);
  builder.relayMode(iroh.RelayMode.customFromUrls([relay]));
  const self = await builder.bind();
  await self.online();
  held.push(self);
  return self;
}

async function each(stream: Stream, take: (piece: Uint8Array) => void): Promise<void> {
  for (;;) {
    const piece = await stream.recv.read(PIECE).catch(() => undefined);
    if (!piece?.length) return;
    take(Uint8Array.from(piece));
  }
}

/** Writes one after the other: a stream's writer serves one at a time. */
function writer(stream: Stream): (bytes: Uint8Array) => void {
  let last = Promise.resolve();
  return (bytes) => {
    const numbers = Array.from(bytes);
    last = last.then(() => stream.send.writeAll(numbers)).catch(() => {});
  };
}

export const end: End = {
  async listen(relay) {
    const self = await endpoint(relay);
    void (async () => {
      const incoming = await self.acceptNext();
      const connection = await (await incoming.accept()).connect();
      const stream = await connection.acceptBi();
      held.push(connection);
      const receiver = new Receiver(writer(stream));
      await each(stream, (piece) => receiver.take(piece));
    })();
    return String(self.id());
  },
  async dial(relay, address) {
    const iroh = (await load("@number0/iroh", "index.js")).default;
    const self = await endpoint(relay);
    const to = new iroh.EndpointAddr(iroh.EndpointId.fromString(address), relay, []);
    const connection = await self.connect(to, PROTOCOL);
    const stream = await connection.openBi();
    const receipts = new Receipts();
    void each(stream, (piece) => receipts.take(piece));
    const write = writer(stream);
    return {
      send(message) {
        const receipt = receipts.promise();
        write(framed(message));
        return receipt;
      },
      path: () =>
        connection.paths().find(({ isSelected }: { isSelected: boolean }) => isSelected)?.isRelay
          ? "relay"
          : "direct",
    };
  },
};

export const iroh: Contender = {
  name: "iroh (Node)",
  version: () => versionOf("@number0/iroh"),
  module: new URL("./iroh.ts", import.meta.url),
  runtime: "node",
  installed: () => hasPackage("@number0/iroh") && program("iroh-relay") !== undefined,
  install: "test/bench/opponents/build.sh libraries iroh-relay",
  async relay(spawn, address) {
    const config = join(scratchFolder("iroh"), "relay.toml");
    writeFileSync(config, `http_bind_addr = "${address}:${PORT}"\nenable_metrics = false\n`);
    spawn([program("iroh-relay")!, "--dev", "--config-path", config], { RUST_LOG: "error" });
    await sleep(START);
    return `http://${address}:${PORT}`;
  },
};
