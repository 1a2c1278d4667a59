/**
 * `npm run demo`: three programs on three runtimes, at home at three nodes, meet by key,
 * talk, and lose nothing although a node is killed under them. Exits with 0 only if every
 * message and every byte arrived once and in order.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileKeyStore } from "../../src/identity/key_file.ts";
import { loadOrCreate } from "../../src/identity/key_store.ts";
import { Actor } from "./actor.ts";
import type { Order, Tally } from "./demo_peer.ts";
import { playEdge } from "./edge.ts";
import { serveWeb } from "./web.ts";
import { freePort } from "../free_port.ts";

const BYTES = 50_000_000;
/** Cleo is at home there, and sends the stream. */
const VICTIM = 2;
/** Milliseconds after which something must be stuck: the demo takes half a minute on a slow machine. */
const PATIENCE = 120_000;

const folder = mkdtempSync(join(tmpdir(), "waymeet-demo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

const began = performance.now();
function say(text: string): void {
  console.log(`${((performance.now() - began) / 1_000).toFixed(2).padStart(6)} s  ${text}`);
}

/** Three nodes, one on each runtime, that know each other's address and a token. */
const PLACES = ["bun", "deno", "node"] as const;
const TOKEN = crypto.randomUUID();

interface Node {
  actor: Actor;
  url: string;
}

/** Its key is in a file, so that it comes back as the same node. */
async function startNode(place: number, urls: string[]): Promise<Node> {
  const key = join(folder, `node-${place}.pem`);
  await loadOrCreate(fileKeyStore(key));
  const url = urls[place]!;
  const others = urls.filter((other) => other !== url).flatMap((other) => ["--join", other]);
  const mesh = ["--mesh-token", TOKEN, "--mesh-url", url, ...others];
  const words = [
    "serve",
    "--port",
    new URL(url).port,
    "--key",
    key,
    "--json",
    "--log-level",
    "error",
    ...mesh,
  ];
  const actor = new Actor(`node ${place + 1}`, PLACES[place]!, "../../src/cli/main.ts", words);
  await actor.event("ready");
  return { actor, url };
}

/** Each is at home at a node of its own and has a standby at the next. */
async function startPeers(urls: string[]): Promise<Map<string, Actor>> {
  const cast = [["Ada", "bun"], ["Ben", "deno"], ["Cleo", "node"]] as const;
  const actors = cast.map(([name, runtime], i) =>
    new Actor(name, runtime, "./demo_peer.ts", [urls[i]!, urls[(i + 1) % urls.length]!])
  );
  const peers = new Map<string, Actor>();
  for (const actor of actors) peers.set(String((await actor.event("ready"))["id"]), actor);
  return peers;
}

function give(actor: Actor, order: Order): void {
  actor.order({ ...order });
}

async function meet(peers: Map<string, Actor>): Promise<void> {
  for (const [id, actor] of peers) {
    give(actor, {
      order: "talk",
      to: [...peers.keys()].filter((other) => other !== id),
    });
  }
  for (const actor of peers.values()) {
    await actor.event("met");
    await actor.event("met", actor.told.findIndex(({ event }) => event === "met") + 1);
  }
}

/** Kills a node while messages and bytes are on their way, and starts it again a second later. */
async function killNode(nodes: Node[], place: number, urls: string[], peers: Actor[]): Promise<void> {
  const before = new Map(peers.map((peer) => [peer, peer.told.length]));
  const toldSince = (peer: Actor, what: string) =>
    peer.told.slice(before.get(peer)).some(({ event, url }) => event === what && url === urls[place]);
  await nodes[place]!.actor.kill();
  say(`kill -9: node ${place + 1} is dead, with everything that was queued in it`);
  say(`${await countUnderWay(peers)} messages are written and not acknowledged, and part of the stream`);
  await sleep(1_000);
  const hit = peers.filter((peer) => toldSince(peer, "disconnected"));
  say(`${hit.map(({ name }) => name).join(" and ")} lost a session there and went on through another node`);
  nodes[place] = await startNode(place, urls);
  say(`node ${place + 1} is back on its port and joins the others`);
  await Promise.all(hit.map((peer) => peer.event("connected", before.get(peer))));
}

async function countUnderWay(peers: Actor[]): Promise<number> {
  const counts = await Promise.all(peers.map(async (peer) => {
    const since = peer.told.length;
    give(peer, { order: "count" });
    return Number((await peer.event("counted", since))["underWay"]);
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

interface Sums {
  sent: number;
  received: number;
  lost: number;
  duplicated: number;
}

/** Compares what each sender says with what each receiver saw. */
async function count(peers: Map<string, Actor>): Promise<Sums> {
  const sums: Sums = { sent: 0, received: 0, lost: 0, duplicated: 0 };
  const everySent = new Map<string, Record<string, number>>();
  for (const [id, actor] of peers) {
    everySent.set(id, (await actor.event("all acknowledged"))["sent"] as Record<string, number>);
  }
  for (const [id, actor] of peers) {
    give(actor, { order: "report" });
    const tallies = (await actor.event("report"))["tallies"] as Record<string, Tally>;
    for (const [sender, sent] of everySent) {
      if (sender !== id) add(sums, sent[id] ?? 0, tallies[sender]);
    }
  }
  return sums;
}

function add(
  sums: Sums,
  sent: number,
  { received, lost, duplicated }: Tally = { received: 0, lost: 0, duplicated: 0 },
): void {
  sums.sent += sent;
  sums.received += received;
  sums.lost += Math.max(lost, sent - (received - duplicated));
  sums.duplicated += duplicated;
}

async function play(): Promise<boolean> {
  const urls: string[] = [];
  for (const _ of PLACES) urls.push(`ws://127.0.0.1:${await freePort()}`);
  const nodes = await Promise.all(PLACES.map((_, place) => startNode(place, urls)));
  say(`three nodes, on Bun, Deno and Node, joined by a token: ${urls.join(" ")}`);
  const peers = await startPeers(urls);
  for (const [id, { name, runtime }] of peers) say(`${name.padEnd(4)} on ${runtime.padEnd(4)} is ${id}`);

  await meet(peers);
  say("each has dialled the two others by key, and all send numbered messages to all");
  const actors = [...peers.values()];
  const [, ben, cleo] = actors as [Actor, Actor, Actor];
  const benId = [...peers.keys()][1]!;
  give(cleo, { order: "stream", to: benId, bytes: BYTES });
  say("Cleo begins to send Ben 50 MB of random bytes beside the messages");
  await ben.event("part");
  say("10 MB have arrived");
  await killNode(nodes, VICTIM, urls, actors);

  const [there, here] = await Promise.all([ben.event("stream received"), cleo.event("stream sent")]);
  const intact = there["sha256"] === here["sha256"] && there["bytes"] === BYTES;
  say(
    `Ben has ${Number(there["bytes"]) / 1e6} MB, SHA-256 ${String(there["sha256"]).slice(0, 16)}…: ${
      intact ? "the same as Cleo's" : "NOT what Cleo sent"
    }`,
  );
  for (const actor of actors) give(actor, { order: "stop" });
  const { sent, received, lost, duplicated } = await count(peers);
  const failures = actors.flatMap(({ name, told }) =>
    told.filter(({ event }) => event === "failed").map(({ why }) => `${name}: ${why}`)
  );
  for (const failure of failures) say(failure);
  for (const actor of actors) give(actor, { order: "end" });
  await Promise.all(nodes.map(({ actor }) => actor.end()));

  const whole = intact && failures.length === 0 && sent > 0 && sent === received && lost === 0 &&
    duplicated === 0;
  say(
    `${
      whole ? "all messages delivered" : "NOT all messages delivered"
    }: ${sent} sent, ${received} received, ${lost} lost, ${duplicated} duplicated`,
  );
  return whole;
}

if (process.argv.includes("--web")) {
  await serveWeb(8787).catch((error) => say(`failed: ${error.message}`));
  process.exit();
}

setTimeout(() => {
  say(`stuck: not done after ${PATIENCE / 1_000} s`);
  process.exit(1);
}, PATIENCE).unref();

try {
  process.exit(await (process.argv.includes("--edge") ? playEdge(say) : play()) ? 0 : 1);
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
