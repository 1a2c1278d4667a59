/**
 * `soak_peers.ts JSON`: peers that come, meet at a topic, link, talk, stream, watch, punch, and leave, so many at
 * a time, until the process is told to rest, or is killed.
 *
 * First they come as fast as they can, since compilers wait until a function was called so many thousand times;
 * then at one pace, however fast the machine is: nodes remember for a while who was there, so their memory would
 * rise whenever the machine has less else to do.
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
  /** Until when they come as fast as they can, milliseconds since 1970. */
  hurry: number;
  /** Whether this process is to be judged: what it would fill with time is full before it begins. */
  judged: boolean;
}

const { sdk, nodes, lives, hurry, judged } = JSON.parse(process.argv[2]!) as SoakPeers;
const { Peer } = await import(sdk) as typeof import("../../src/mod.node.ts");

const ROOMS = 3;
const MESSAGES = 8;
/** Milliseconds from one peer's coming to its successor's: several times what it does costs on a busy machine. */
const LIFE = 5_000;
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
async function live(over: Promise<void>): Promise<void> {
  const at = nodes.toSorted(() => Math.random() - 0.5);
  await using peer = await Peer.open({ nodes: at, paths: { local: false } });
  peer.addEventListener("link", ({ link }) => void echo(link));
  await using topic = await peer.join(`room ${Math.floor(Math.random() * ROOMS)}`);
  await pause(Math.random() * 300);
  const others = [...topic.members.keys()].sort(() => Math.random() - 0.5).slice(0, 2);
  await Promise.all(others.map((other) => talk(peer, other).catch(() => void counts.failures++)));
  await pause(Math.random() * 300);
  counts.lives++;
  await over;
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

/** One after the other; `late`: milliseconds after which the first one comes. */
async function keepLiving(late: number): Promise<void> {
  await pause(late);
  while (!resting) {
    const over = pause(Date.now() < hurry ? 0 : LIFE);
    await live(over).catch(async () => {
      counts.failures++;
      await pause(500);
    });
    await over;
  }
}

if (judged) fillCaches();
for (let i = 0; i < lives; i++) ended.push(keepLiving(i * LIFE / lives));
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
