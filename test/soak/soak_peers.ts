/**
 * `soak_peers.ts JSON`: peers that come, meet at a topic, link, talk, stream, watch, punch, and leave, so many at
 * a time, until the process is told to rest, or is killed.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link, Peer as PeerType } from "../../src/mod.node.ts";
import { fillCaches } from "./full_caches.ts";
import { vitals } from "./vitals.ts";

export interface SoakPeers {
  /** URL of the SDK's entry point. */
  sdk: string;
  nodes: string[];
  /** Peers at a time. */
  lives: number;
}

const { sdk, nodes, lives } = JSON.parse(process.argv[2]!) as SoakPeers;
const { Peer } = await import(sdk) as typeof import("../../src/mod.node.ts");

const ROOMS = 3;
const MESSAGES = 8;
const STREAM = new Uint8Array(20_000);
const counts = { lives: 0, messages: 0, failures: 0 };
let resting = false;
const ended: Promise<void>[] = [];

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
  const at = nodes.toSorted(() => Math.random() - 0.5);
  await using peer = await Peer.open({ nodes: at, paths: { local: false } });
  peer.addEventListener("link", ({ link }) => void echo(link));
  await using topic = await peer.join(`room ${Math.floor(Math.random() * ROOMS)}`);
  await pause(Math.random() * 300);
  const others = [...topic.members.keys()].sort(() => Math.random() - 0.5).slice(0, 2);
  await Promise.all(others.map((other) => talk(peer, other).catch(() => void counts.failures++)));
  await pause(Math.random() * 300);
  counts.lives++;
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

async function keepLiving(): Promise<void> {
  while (!resting) {
    await live().catch(async () => {
      counts.failures++;
      await pause(500);
    });
  }
}

fillCaches();
for (let i = 0; i < lives; i++) ended.push(keepLiving());
tell("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { order } = JSON.parse(line) as { order: string };
  if (order === "rest") {
    resting = true;
    await Promise.all(ended);
  }
  if (order === "end") break;
  tell("sample", { vitals: await vitals(), state: {}, counts: { ...counts } });
}
process.exit(0);
