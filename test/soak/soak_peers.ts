/**
 * `soak_peers.ts JSON`: peers that come, meet at a topic, link, talk, stream, watch, punch, and leave, so many at
 * a time, for as long as each order says, until the process is told to end, or is killed.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link, Peer as PeerType } from "../../src/mod.node.ts";
import { fillCaches } from "./full_caches.ts";
import { leave } from "./left_behind.ts";
import { vitals } from "./vitals.ts";

export interface SoakPeers {
  /** URL of the SDK's entry point. */
  sdk: string;
  nodes: string[];
  /** Peers at a time. */
  lives: number;
  /** Whether this process is to be judged: what it would fill with time is full before it begins. */
  judged: boolean;
  /** Whether each peer leaves an object behind, to show that a soak would tell. */
  leak: boolean;
}

const { sdk, nodes, lives, judged, leak } = JSON.parse(process.argv[2]!) as SoakPeers;
const { Peer } = await import(sdk) as typeof import("../../src/mod.node.ts");

const ROOMS = 3;
const MESSAGES = 8;
/** Milliseconds that a peer stays, so that others find it there. */
const LIFE = 1_000;
const STREAM = new Uint8Array(20_000);
const counts = { lives: 0, messages: 0, failures: 0 };

function tell(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function echo(link: Link): Promise<void> {
  void (async () => {
    for await (const { readable, writable } of link.streams) {
      await readable.pipeTo(writable).catch(() => {});
    }
  })();
  for await (const message of link) await link.send(message, { deadline: 1_000 }).catch(() => {});
}

/** One peer, from its coming to its end. Others may leave in the middle of anything: that is the point. */
async function live(): Promise<void> {
  const over = pause(LIFE);
  const at = nodes.toSorted(() => Math.random() - 0.5);
  await using peer = await Peer.open({ nodes: at, paths: { local: false } });
  peer.addEventListener("link", ({ link }) => void echo(link));
  await using topic = await peer.join(`room ${Math.floor(Math.random() * ROOMS)}`);
  await pause(Math.random() * 300);
  const others = [...topic.members.keys()].sort(() => Math.random() - 0.5).slice(0, 2);
  await Promise.all(others.map((other) => talk(peer, other).catch(() => void counts.failures++)));
  await pause(Math.random() * 300);
  await over;
  counts.lives++;
  if (leak) leave(1);
}

/** Two that know each other and wait for nothing: some twenty times as many in a minute as of those that {@link live}. */
async function meet(): Promise<void> {
  await using a = await Peer.open({ nodes, paths: { local: false } });
  await using b = await Peer.open({ nodes: nodes.toReversed(), paths: { local: false } });
  b.addEventListener("link", ({ link }) => void echo(link));
  await using _mine = await a.join("room 0");
  await using _theirs = await b.join("room 0");
  await talk(a, b.id);
  counts.lives += 2;
  if (leak) leave(2);
}

async function talk(peer: PeerType, other: string): Promise<void> {
  using watch = peer.watch(other);
  watch.addEventListener("online", () => {});
  await using link = await peer.dial(other, { deadline: 2_000 });
  for (let i = 0; i < MESSAGES; i++) {
    await link.send(new Uint8Array(200), { deadline: 2_000 });
    counts.messages++;
  }
  const { writable } = link.openStream({ label: "soak" });
  const writer = writable.getWriter();
  await writer.write(STREAM);
  await writer.close();
}

/** Such lives one after the other, so many at a time. */
async function keep(life: () => Promise<void>, more: () => boolean): Promise<void> {
  await Promise.all(Array.from({ length: lives }, async () => {
    while (more()) {
      await life().catch(async () => {
        counts.failures++;
        await pause(500);
      });
    }
  }));
}

/** `Infinity` comes as `null`. */
export type PeersOrder =
  | { order: "meet"; pairs: number }
  | { order: "live"; milliseconds: number | null }
  | { order: "sample" };

async function obey(order: PeersOrder): Promise<void> {
  if (order.order === "sample") {
    return tell("sample", { vitals: await vitals(), state: {}, counts: { ...counts } });
  }
  if (order.order === "meet") {
    let { pairs } = order;
    await keep(meet, () => pairs-- > 0);
  } else {
    const until = performance.now() + (order.milliseconds ?? Infinity);
    await keep(live, () => performance.now() < until);
  }
  tell("lived");
}

if (judged) fillCaches();
tell("ready");
for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line) as PeersOrder);
}
process.exit(0);
