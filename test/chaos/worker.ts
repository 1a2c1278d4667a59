/**
 * Several peers in one process: `worker.ts JSON`. They send each other numbered messages
 * and check what arrives; orders come as JSON lines on standard input, what happens leaves
 * as JSON lines on standard output.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link } from "../../src/mod.node.ts";
import { type Account, Ledger, moment, readNumbered, writeNumbered } from "./ledger.ts";

/** How a worker is started. */
export interface WorkerOptions {
  /** URL of the SDK's entry point. */
  sdk: string;
  /** The nodes of each peer, home first. */
  peers: string[][];
}

export type Order =
  /** Dial those peers. Both ends of each link send, one message every `pace` ms. */
  | { order: "talk"; dials: { from: string; to: string }[]; pace: number }
  /** Tell how each link's packets travel now. */
  | { order: "where" }
  /** Tell of each link when the first message arrived that was sent since `at`, and forget the arrivals. */
  | { order: "since"; at: number }
  /** Send nothing more; tell when all has arrived. */
  | { order: "stop" }
  | { order: "report" }
  | { order: "end" };

/** What a link is called: who sends to whom. */
export type Way = `${string} ${string}`;

const { sdk, peers: places } = JSON.parse(process.argv[2]!) as WorkerOptions;
const { Peer } = await import(sdk) as typeof import("../../src/mod.node.ts");

const links = new Map<Way, Link>();
const ledger = new Ledger();
const sent: Record<Way, number> = {};
let talking = true;
let underWay = 0;

function tell(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

const peers = await Promise.all(places.map((nodes) => Peer.open({ nodes, reconnect: { max: 2_000 } })));
const byId = new Map(peers.map((peer) => [peer.id as string, peer]));
let pace = 100;
for (const peer of peers) peer.addEventListener("link", ({ link }) => attend(peer.id, link));
tell("ready", { ids: peers.map(({ id }) => id) });

function attend(self: string, link: Link): void {
  links.set(`${self} ${link.peer}`, link);
  void receive(`${link.peer} ${self}`, link);
  void talk(`${self} ${link.peer}`, link);
}

async function receive(way: Way, link: Link): Promise<void> {
  const account = ledger.of(way);
  for await (const { data } of link) account.took(readNumbered(data), moment());
  if (talking) tell("failed", { why: `${way} ended` });
}

async function talk(way: Way, link: Link): Promise<void> {
  await pause(Math.random() * pace);
  for (sent[way] = 0; talking; await pause(pace)) {
    if (underWay > MOST_UNDER_WAY) continue;
    underWay++;
    const size = sent[way] % 50 === 49 ? LARGE : SMALL;
    link.send(writeNumbered({ number: ++sent[way], sentAt: moment() }, size))
      .catch((error) => tell("failed", { why: `${way}: ${error.message}` }))
      .finally(() => void underWay--);
  }
}

const SMALL = 64;
const LARGE = 8_192;
/** Messages of all peers here that wait for their acknowledgement: a memory bound, not a pace. */
const MOST_UNDER_WAY = 20_000;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function meet({ from, to }: { from: string; to: string }): Promise<void> {
  const link = await byId.get(from)!.dial(to, { deadline: 15_000 });
  attend(from, link);
  await link.opened;
}

/** Where each link's packets leave, by the URL in its own words. */
function where(): Record<Way, string> {
  return Object.fromEntries([...links].map(([way, { path }]) => [way, path.why]));
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case "talk":
      pace = order.pace;
      await Promise.all(order.dials.map(meet));
      return tell("met");
    case "where":
      return tell("where", { ways: where(), moored: peers.every(({ nodes }) => nodes.length === 2) });
    case "since":
      return tell("since", { resumed: ledger.since(order.at) });
    case "stop":
      talking = false;
      while (underWay > 0) await pause(5);
      return tell("stopped", { sent });
    case "report": {
      const accounts: Record<Way, Account> = ledger.accounts();
      return tell("report", { accounts });
    }
    case "end":
      await Promise.all(peers.map((peer) => peer.close()));
      return process.exit(0);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line) as Order).catch((error) => tell("failed", { why: String(error?.stack ?? error) }));
}
process.exit(1); // whoever gave the orders is gone
