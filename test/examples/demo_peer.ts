/**
 * One peer of the demo, a process of its own: `demo_peer.ts NODE_URL`. It takes orders as
 * JSON lines on standard input and tells what happens as JSON lines on standard output.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link } from "../../src/mod.node.ts";
import type { LinkStream } from "../../src/sdk.ts";

const { Peer } = process.versions.bun
  ? await import("../../src/mod.bun.ts")
  : await import("../../src/mod.node.ts");

export type Order =
  /** Dial these peers and send numbered messages to each, until told to stop. */
  | { order: "talk"; to: string[] }
  /** Send so many random bytes as a stream. */
  | { order: "stream"; to: string; bytes: number }
  /** Say how many messages are on their way now. */
  | { order: "count" }
  /** Stop talking; tell when everything has arrived. */
  | { order: "stop" }
  /** Tell what was received. */
  | { order: "report" }
  | { order: "end" };

/** What one sender's numbers looked like here. */
export interface Tally {
  received: number;
  duplicated: number;
  /** Numbers that were skipped, or came late. */
  lost: number;
}

const peer = await Peer.open({ nodes: process.argv.slice(2) });
const links = new Map<string, Link>();
const sent: Record<string, number> = {};
const tallies: Record<string, Tally> = {};
let underWay = 0;
let talking = true;

function tell(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

peer.addEventListener("node", ({ state, url }) => tell(state, { url }));
peer.addEventListener("link", ({ link }) => void attend(link));
tell("ready", { id: peer.id });

async function attend(link: Link): Promise<void> {
  void receive(link);
  for await (const stream of link.streams) await measure(link.peer, stream);
}

async function receive(link: Link): Promise<void> {
  const tally = tallies[link.peer] ??= { received: 0, duplicated: 0, lost: 0 };
  let expected = tally.received + 1;
  for await (const message of link) {
    const number = Number(message.text());
    tally.received++;
    if (number < expected) tally.duplicated++;
    if (number > expected) tally.lost += number - expected;
    expected = Math.max(expected, number + 1);
  }
}

async function measure(from: string, stream: LinkStream): Promise<void> {
  const hash = createHash("sha256");
  const reader = stream.readable.getReader();
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const before = Math.floor(bytes / PART);
    bytes += next.value.length;
    hash.update(next.value);
    if (Math.floor(bytes / PART) > before) tell("part", { bytes });
  }
  await stream.writable.close();
  tell("stream received", { from, bytes, sha256: hash.digest("hex") });
}

/** Bytes after which a receiver says how far it is. */
const PART = 10_000_000;

async function linkTo(id: string): Promise<Link> {
  const known = links.get(id);
  if (known) return known;
  const link = await peer.dial(id, { deadline: 10_000 });
  links.set(id, link);
  void attend(link);
  await link.opened;
  return link;
}

async function talk(to: string[]): Promise<void> {
  await Promise.all(to.map(async (id) => {
    const link = await linkTo(id);
    tell("met", { peer: id });
    sent[id] = 0;
    for (; talking; await pause(5)) {
      for (let i = 0; i < 3 && underWay < 3_000; i++) void say(link, String(++sent[id]));
    }
  }));
  while (underWay > 0) await pause(5);
  tell("all acknowledged", { sent });
}

async function say(link: Link, text: string): Promise<void> {
  underWay++;
  await link.send(text).catch((error) => tell("failed", { why: error.message }));
  underWay--;
}

async function pour(to: string, bytes: number): Promise<void> {
  const stream = (await linkTo(to)).openStream({ label: "fifty megabytes" });
  const writer = stream.writable.getWriter();
  const hash = createHash("sha256");
  for (let left = bytes; left > 0;) {
    const piece = randomBytes(Math.min(65_536, left));
    hash.update(piece);
    await writer.write(piece);
    left -= piece.length;
  }
  await writer.close();
  tell("stream sent", { to, bytes, sha256: hash.digest("hex") });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case "talk":
      return await talk(order.to);
    case "stream":
      return await pour(order.to, order.bytes);
    case "count":
      return tell("counted", { underWay });
    case "stop":
      talking = false;
      return;
    case "report":
      return tell("report", { tallies });
    case "end":
      await peer.close();
      return process.exit(0);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line) as Order).catch((error) => tell("failed", { why: String(error?.stack ?? error) }));
}
await peer.close(); // whoever gave the orders is gone
process.exit(1);
