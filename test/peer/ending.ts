/** A program that opens peers, does what its argument says, closes them, and should then end by itself. */
import process from "node:process";
import type { Peer as CorePeer } from "../../src/peer/peer.ts";
import type { RunningNode, ServeOptions } from "../../src/rendezvous/serve.ts";

const runtime = "Deno" in globalThis ? "deno" : process.versions.bun === undefined ? "node" : "bun";
const { serve } = await import(`../../edge/${runtime}.ts`) as {
  serve(options: ServeOptions): Promise<RunningNode>;
};
const entry = runtime === "bun" ? "mod" : "mod.node";
const { Peer } = await import(`../../src/${entry}.ts`) as { Peer: typeof CorePeer };

const acts: Record<string, (nodes: string[]) => Promise<void>> = {
  async talk(nodes) {
    await using a = await Peer.open({ nodes });
    await using b = await Peer.open({ nodes });
    await using link = await a.dial(b.id);
    await link.send("hello", { deadline: 60_000, signal: AbortSignal.timeout(60_000) });
    await link.ping();
    await link.openStream().writable.getWriter().write(new Uint8Array(10));
  },
  async fail() {
    await refused(Peer.open({ nodes: ["ws://127.0.0.1:1", "ws://127.0.0.1:2"] }));
  },
  async reject(nodes) {
    await using a = await Peer.open({ nodes });
    await using b = await Peer.open({ nodes, accept: "none" });
    await refused(a.send(b.id, "hello"));
  },
  async abort(nodes) {
    const paths = { local: false };
    await using a = await Peer.open({ nodes, paths });
    await using b = await Peer.open({ nodes: ["ws://127.0.0.1:1"], offline: true, paths });
    await refused(a.dial(b.id, { deadline: 60_000, signal: AbortSignal.timeout(100) }));
    await refused(b.dial(a.id, { deadline: 60_000, signal: AbortSignal.timeout(100) }));
  },
};

async function refused(promise: Promise<unknown>): Promise<void> {
  if (await promise.then(() => true, () => false)) throw new Error("nobody refused");
}

{
  await using node = await serve({ port: 0 });
  for (const act of Object.values(acts)) await act([node.url]);
}
const closed = performance.now();
process.on("exit", () => console.log(performance.now() - closed < 3_000 ? "ended" : "late"));
