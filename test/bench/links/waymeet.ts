/** waymeet's own links, held to its relay. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Link } from "../../../src/link/link.ts";
import type { RuntimeName } from "../../runtimes.ts";
import { runtimes } from "../../runtimes.ts";
import type { Contender, End } from "./contender.ts";
import { firstLine } from "./lines.ts";

const runtime = process.versions.bun ? "bun" : "node";
const own = async () =>
  (await import(`../../../src/mod.${runtime}.ts`)) as typeof import("../../../src/mod.node.ts");

export const end: End = {
  async listen(relay) {
    const { Peer } = await own();
    const peer = await Peer.open({ nodes: [relay], insecure: true, paths: { local: false, direct: false } });
    peer.addEventListener("link", ({ link }) => void read(link));
    return peer.id;
  },
  async dial(relay, address) {
    const { Peer } = await own();
    const peer = await Peer.open({ nodes: [relay], insecure: true, paths: { local: false, direct: false } });
    const link = await peer.dial(address);
    return { send: (message) => link.send(message), path: () => link.path.kind };
  },
};

async function read(link: Link): Promise<void> {
  for await (const _ of link);
}

/** The node is our own on Bun, as we advise; the programs run on `runtime`. */
export function waymeet(runtime: RuntimeName): Contender {
  return {
    name: `waymeet on ${runtime}`,
    version: () => "of this checkout",
    module: new URL("./waymeet.ts", import.meta.url),
    runtime,
    installed: () => true,
    install: "",
    async relay(spawn, host) {
      const { command } = runtimes().find(({ name }) => name === "bun")!;
      const script = fileURLToPath(new URL("./waymeet_relay.ts", import.meta.url));
      return await firstLine(spawn([...command, script, host]));
    },
  };
}
