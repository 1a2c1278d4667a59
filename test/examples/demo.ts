/**
 * `npm run demo`: three programs on three runtimes meet by key through a node, talk, and
 * lose nothing although the node is killed. Exits with 0 only if every message and every
 * byte arrived once and in order.
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

const BYTES = 50_000_000;
/** Milliseconds after which something must be stuck: the demo takes half a minute on a slow machine. */
const PATIENCE = 120_000;

const folder = mkdtempSync(join(tmpdir(), "waymeet-demo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

const began = performance.now();
function say(text: string): void {
  console.log(`${((performance.now() - began) / 1_000).toFixed(2).padStart(6)} s  ${text}`);
}

/** A node on Bun. Its key is in a file, so that it comes back as the same node. */
async function startNode(port: number): Promise<{ node: Actor; url: string; id: string }> {
  const key = join(folder, "node.pem");
  await loadOrCreate(fileKeyStore(key));
  const words = ["serve", "--port", String(port), "--key", key, "--json", "--log-level", "error"];
  const node = new Actor("the node", "bun", "../../src/cli/main.ts", words);
  const { url, id } = await node.event("ready");
  return { node, url: String(url), id: String(id) };
}

async function startPeers(url: string): Promise<Map<string, Actor>> {
  const cast = [["Ada", "bun"], ["Ben", "deno"], ["Cleo", "node"]] as const;
  const actors = cast.map(([name, runtime]) => new Actor(name, runtime, "./demo_peer.ts", [url]));
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

/** Kills the node while messages and bytes are on their way, and starts it again a second later. */
async function killNode(node: Actor, url: string, peers: Actor[]): Promise<Actor> {
  const before = peers.map(({ told }) => told.length);
  await node.kill();
  say("kill -9: the node is dead, with everything that was queued in it");
  await sleep(1_000);
  say(`${await countUnderWay(peers)} messages are written and not acknowledged, and part of the stream`);
  const { node: next } = await startNode(Number(new URL(url).port));
  say("the node is back on its port");
  await Promise.all(peers.map((peer, i) => peer.event("connected", before[i])));
  say("all three are back; what was not acknowledged goes out again");
  return next;
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
  const first = await startNode(0);
  const { url } = first;
  say(`a node on Bun at ${url}: it relays, and cannot read`);
  const peers = await startPeers(url);
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
  const node = await killNode(first.node, url, actors);

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
  await node.end();

  const whole = intact && failures.length === 0 && sent > 0 && sent === received && lost === 0 &&
    duplicated === 0;
  say(
    `${
      whole ? "all messages delivered" : "NOT all messages delivered"
    }: ${sent} sent, ${received} received, ${lost} lost, ${duplicated} duplicated`,
  );
  return whole;
}

setTimeout(() => {
  say(`stuck: not done after ${PATIENCE / 1_000} s`);
  process.exit(1);
}, PATIENCE).unref();

try {
  process.exit(await play() ? 0 : 1);
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
