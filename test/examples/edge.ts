/**
 * `npm run demo -- --edge`: a peer at the deployment for Cloudflare, which workerd runs on this
 * machine, and a peer at a self-hosted node on Bun talk across the two. In between the first one's
 * object falls asleep, and a message wakes it.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Link, Peer } from "../../src/mod.node.ts";
import { metric } from "../compliance/check.ts";
import { startWorkerdTarget } from "../compliance/workerd_target.ts";
import { Actor } from "./actor.ts";

/** Milliseconds: workerd puts an object to sleep after ten seconds without an event. */
const ASLEEP = 13_000;
/** All through nodes: both peers are in this process. */
const paths = { local: false, direct: false };

interface Said {
  sent: string[];
  received: string[];
}

async function send(link: Link, text: string, said: Said): Promise<void> {
  said.sent.push(text);
  await link.send(text);
}

function listen(peer: Peer, said: Said, say: (text: string) => void, name: string): void {
  peer.addEventListener("link", async ({ link }) => {
    for await (const message of link) {
      said.received.push(message.text());
      say(`${name} reads: ${message.text()}`);
    }
  });
}

/** Whether all messages arrived, once, and the object slept in between. */
export async function playEdge(say: (text: string) => void): Promise<boolean> {
  const token = crypto.randomUUID();
  const serve = ["serve", "--port", "0", "--json", "--log-level", "error", "--mesh-token", token];
  const bun = new Actor("node", "bun", "../../src/cli/main.ts", serve);
  const url = String((await bun.event("ready"))["url"]);
  const cloud = await startWorkerdTarget({ WAYMEET_JOIN: url, WAYMEET_MESH_TOKEN: token });
  say(`a self-hosted node on Bun: ${url}; the deployment for Cloudflare on workerd: ${cloud.url}`);

  const said: Said = { sent: [], received: [] };
  const ada = await Peer.open({ nodes: [cloud.url], paths, learn: false });
  const ben = await Peer.open({ nodes: [url], paths, learn: false });
  listen(ada, said, say, "Ada");
  listen(ben, said, say, "Ben");
  const link = await ada.dial(ben.id, { deadline: 30_000 });
  await send(link, "good evening, Ben", said);
  say("Ada, at workerd, dialled Ben, at Bun, by key: her object, the gateway, the mesh, his node");
  await link.close();

  const before = await metric(cloud, "sessions_resumed_total");
  say("the link is closed, nobody says anything, and Ada's object falls asleep; her WebSocket stays open");
  await sleep(ASLEEP);
  said.sent.push("good morning, Ada");
  await ben.send(ada.id, "good morning, Ada", { deadline: 30_000 });
  const woke = await resumed(cloud, before);
  say(woke ? "her object slept, and Ben's message woke it" : "her object did NOT sleep");

  await Promise.all([ada.close(), ben.close()]);
  await Promise.all([cloud.close(), bun.end()]);
  const whole = said.sent.join() === said.received.join();
  const counts = `${said.sent.length} sent, ${said.received.length} received`;
  say(`${whole ? "all messages delivered" : "NOT all messages delivered"}: ${counts}`);
  return whole && woke;
}

/** Counts come to the gateway two seconds late. */
async function resumed(cloud: { url: string }, before: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (await metric(cloud, "sessions_resumed_total") > before) return true;
    await sleep(100);
  }
  return false;
}
