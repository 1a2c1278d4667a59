import assert from "node:assert/strict";
import { it } from "node:test";
import { Peer } from "../../src/mod.node.ts";
import type { Sight, Watch } from "../../src/peer/watch.ts";
import { serve } from "../rendezvous/runtime.ts";

const mesh = { token: "a token of this network" };

/** Reads the watch until it says so. */
async function until(watch: Watch, wanted: (sight: Sight) => boolean): Promise<void> {
  for await (const sight of watch) if (wanted(sight)) return;
}

it("over real sockets a watch tells that a peer came, moved with its node gone, and went", async () => {
  const first = await serve({ port: 0, mesh });
  const join = [first.url];
  const others = [
    await serve({ port: 0, mesh: { ...mesh, join } }),
    await serve({ port: 0, mesh: { ...mesh, join } }),
  ];
  const a = await Peer.open({ nodes: [first.url] });
  const b = await Peer.open({ nodes: others.map(({ url }) => url) });
  const watch = a.watch(b.id, { patience: 500 });
  while (b.nodes.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  // The two sessions began at once: the record that names both comes last.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await until(watch, ({ node }) => node === b.node!.id);
  const home = others.find(({ id }) => id === b.node!.id)!;
  const standby = others.find((other) => other !== home)!;
  let offline = false;
  watch.addEventListener("offline", () => offline = true);
  await Promise.all([home.stop(), until(watch, ({ node }) => node === standby.id)]);
  assert.equal(offline, false);
  await Promise.all([b.close(), until(watch, ({ state }) => state === "offline")]);
  await a.close();
  for (const node of [...others, first]) await node.stop();
});
