/**
 * `crowd.ts ROUNDS MILLISECONDS`, run by Bun: a node of up to a hundred thousand peers, more than a process has
 * descriptors for, so their sockets end in memory. Prints a line of JSON for each size.
 *
 * @module
 */
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { generateIdentity } from "../../src/identity/identity.ts";
import { peerIdText } from "../../src/identity/peer_id.ts";
import { RendezvousNode } from "../../src/rendezvous/node.ts";
import type { Socket, SocketHandlers } from "../../src/session/socket.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { Role } from "../../src/wire/protocol.ts";
import { seededDice } from "../dice.ts";
import { median } from "./statistics.ts";

const SIZES = [100, 1_000, 10_000, 100_000];
const BUSY_PAIRS = 8;
/** Frames given to the node in one turn of the event loop, each by another peer. */
const PER_TURN = BUSY_PAIRS;
const PAYLOAD = new Uint8Array(64);
const HOUR = 3_600_000;

const [rounds = 5, milliseconds = 500] = process.argv.slice(2).map(Number);
const collect = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc;
const random = seededDice(1);

/** Takes everything at once. */
const nowhere: Socket = {
  copies: true,
  buffered: 0,
  send: () => 0,
  close() {},
  terminate() {},
};

interface Peer {
  key: Uint8Array;
  handlers: SocketHandlers;
}

const node = new RendezvousNode({
  identity: await generateIdentity(),
  access: { kind: "open" },
  hosts: "any",
  limits: { sessions: SIZES.at(-1)! },
  // Nobody here answers pings.
  pingInterval: HOUR,
});

/** Handshakes of a hundred thousand would take minutes: their sessions go on from an earlier life. */
function enters(): Peer {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const auth = {
    ...{
      id: key,
      role: Role.peer,
      instance: crypto.getRandomValues(new Uint8Array(16)),
      started: Date.now(),
    },
    ...{ network: "default", challenge: new Uint8Array(32), host: "n", agent: "crowd/1", features: [] },
    token: null,
  };
  const session = crypto.randomUUID().replaceAll("-", "");
  const kept = { claimed: peerIdText(key), address: "127.0.0.1", since: Date.now(), record: null };
  const { handlers } = node.resume(nowhere, { ...kept, auth, session, correspondents: [] });
  return { key, handlers };
}

function speak([from, to]: readonly [number, number]): void {
  peers[from]!.handlers.message(encodeData(peers[to]!.key, PAYLOAD));
}

/** Microseconds of processor time for one frame between peers that are picked for each. */
async function frameCost(pick: () => readonly [from: number, to: number]): Promise<number> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  let frames = 0;
  while (performance.now() - start < milliseconds) {
    for (let i = 0; i < PER_TURN; i++) speak(pick());
    frames += PER_TURN;
    await turn();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / frames;
}

const peers: Peer[] = [];
let next = 0;
const pairs = () => {
  next = (next + 1) % BUSY_PAIRS;
  return [2 * next, 2 * next + 1] as const;
};
/** Everybody has one to talk with: how far their memory is spread is what differs from the pairs above. */
const anybody = () => {
  const from = random(peers.length);
  return [from, from ^ 1] as const;
};

async function medianCost(pick: () => readonly [number, number]): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round <= rounds; round++) costs.push(await frameCost(pick));
  return median(costs.slice(1));
}

/** Newcomers, each of whom has spoken: the first word to somebody costs more, at any size. */
async function grow(size: number): Promise<void> {
  while (peers.length < size) {
    const from = peers.push(enters(), enters()) - 2;
    speak([from, from + 1]);
    speak([from + 1, from]);
    await turn();
  }
}

async function resident(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collect?.(true);
    await turn();
  }
  return process.memoryUsage().heapUsed / 1_024;
}

await grow(2 * BUSY_PAIRS);
await medianCost(pairs); // what is compiled is no cost of a size
const [least, before] = [peers.length, await resident()];
for (const size of SIZES) {
  await grow(size);
  const heap = (await resident() - before) / (size - least);
  console.log(JSON.stringify({
    peers: size,
    pairs: await medianCost(pairs),
    anybody: await medianCost(anybody),
    kib: heap,
  }));
}
process.exit(0);
