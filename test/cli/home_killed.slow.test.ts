// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { Peer } from "../../src/mod.node.ts";
import { Stage } from "./programs.ts";
import { freePort } from "../free_port.ts";

const stage = new Stage("node");
after(() => stage.close());
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const MESSAGES = 300;
const KILL_AT = 100;

it("peers with one URL, who came before the mesh, outlive kill -9 of their home under traffic: nothing lost or doubled", async () => {
  const token = ["--mesh-token", "a token of this network"];
  const home = await stage.serve(await freePort(), ...token);
  const url = stage.node;
  const open = () => Peer.open({ nodes: [url], paths: { direct: false, local: false } });
  const [a, b] = [await open(), await open()];
  assert.deepEqual([a, b].map(({ nodes }) => nodes.length), [1, 1]); // nobody is known yet

  await stage.serve(await freePort(), ...token, "--join", url);
  await stage.serve(await freePort(), ...token, "--join", url);
  while (a.nodes.length < 2 || b.nodes.length < 2) await sleep(50);

  const heard: string[] = [];
  b.addEventListener("link", async ({ link }) => {
    for await (const message of link) heard.push(message.text());
  });
  const link = await a.dial(b.id);
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    if (i === KILL_AT) void home.stop("SIGKILL");
    sent.push(link.send(`${i}`));
    await sleep(5);
  }
  await Promise.all(sent);
  while (heard.length < MESSAGES) await sleep(10);
  await home.ended;
  await sleep(500); // for what comes twice
  assert.deepEqual(heard, Array.from({ length: MESSAGES }, (_, i) => `${i}`));
  for (const peer of [a, b]) assert.notEqual(peer.nodes[0]!.url, url);
  await Promise.all([a.close(), b.close()]);
});
