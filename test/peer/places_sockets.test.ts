import assert from "node:assert/strict";
import { it } from "node:test";
import { Peer } from "../../src/mod.node.ts";
import { serve } from "../rendezvous/runtime.ts";

const mesh = { token: "a token of this network" };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Peers learn of other nodes as they come: a mesh that has only begun may not know itself yet. */
async function openWithStandby(url: string): Promise<Peer> {
  const peer = await Peer.open({ nodes: [url], paths: { direct: false, local: false } });
  while (peer.nodes.length < 2) await sleep(25);
  return peer;
}

it("over real sockets peers with one URL go on when that node leaves: nothing lost, doubled or reordered", async () => {
  const first = await serve({ port: 0, mesh });
  const join = [first.url];
  const others = [
    await serve({ port: 0, mesh: { ...mesh, join } }),
    await serve({ port: 0, mesh: { ...mesh, join } }),
  ];
  const [a, b] = [await openWithStandby(first.url), await openWithStandby(first.url)];
  const heard: string[] = [];
  b.addEventListener("link", async ({ link }) => {
    for await (const message of link) heard.push(message.text());
  });
  const link = await a.dial(b.id);
  const sent: Promise<unknown>[] = [];
  let stopping: Promise<void> | undefined;
  for (let i = 0; i < 100; i++) {
    if (i === 30) stopping = first.stop();
    sent.push(link.send(`${i}`));
    await sleep(10);
  }
  await Promise.all(sent);
  await stopping;
  while (heard.length < 100) await sleep(10);
  assert.deepEqual(heard, Array.from({ length: 100 }, (_, i) => `${i}`));
  assert(others.some(({ id }) => id === a.node!.id));
  await link.close();
  await Promise.all([a.close(), b.close()]);
  for (const node of others) await node.stop();
});
