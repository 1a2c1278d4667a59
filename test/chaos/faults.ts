/** Faults one at a time, and how long the ways that used the faulty node took to go on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Crowd } from "./crowd.ts";
import { NATS_SERVERS, NODES } from "./crowd.ts";
import { type Dice, shuffled } from "../dice.ts";
import { type Fault, FAULTS, NATS_FAULTS } from "./fault_kinds.ts";
import { exhaust, fillDisk, jump, press } from "./host_faults.ts";
import { moment } from "./ledger.ts";
import type { Flow } from "./wire_proxy.ts";
import type { Way } from "./worker.ts";

/** Milliseconds that a killed node stays away, and that the other faults last. */
const AWAY = 1_000;
const LASTS = 10_000;
/** Milliseconds after a fault in which the mesh and all sessions should be whole again. */
const RECOVERY = 6_000;
const RECOVERY_MOST = 30_000;

/** Ways through a node from which it is worth a fault. */
const BUSY = 20;

/** A line as from a train: what a node carries here fits through it, with pauses. */
const BAD_LINE: Flow = {
  kind: "slow",
  bytesPerSecond: 32_000,
  latency: 150,
  stall: { every: 2_000, lasts: 800 },
};

/** One fault and what it cost. */
export interface Outcome {
  fault: Fault;
  node: number;
  /** For each way that used the node: milliseconds until a message sent after the fault arrived. */
  resumed: number[];
  /** The same of the ways that did not use it: what this machine takes anyway. */
  others: number[];
  /** The longest time without an arrival on any way, from the fault until all was whole again. */
  gap: number;
}

/** Faults in turn: all kinds in each round, in an order and at nodes that the dice choose. */
export async function* storm(
  crowd: Crowd,
  dice: Dice,
  until: number,
  faults: readonly Fault[] = crowd.nats ? [...FAULTS, ...NATS_FAULTS] : FAULTS,
): AsyncGenerator<Outcome> {
  for (;;) {
    for (const fault of shuffled(faults, dice)) {
      if (performance.now() >= until) return;
      if (isOfNats(fault)) {
        yield await strike(crowd, { fault, node: dice(NATS_SERVERS), dice }, undefined);
        continue;
      }
      const { node, ways } = await busyNode(crowd, dice);
      yield await strike(crowd, { fault, node, dice }, ways);
    }
  }
}

function isOfNats(fault: Fault): boolean {
  return (NATS_FAULTS as readonly Fault[]).includes(fault);
}

/** What hits whom. */
export interface Strike {
  fault: Fault;
  node: number;
  dice: Dice;
}

/** `concerned`: the ways that use the node; a server of NATS concerns them all. */
async function strike(
  crowd: Crowd,
  { fault, node, dice }: Strike,
  concerned: Set<Way> | undefined,
): Promise<Outcome> {
  const at = moment();
  await inflict(crowd, { fault, node, dice });
  await recover(crowd);
  crowd.check(fault, node);
  const since = [...await crowd.since(at)];
  const times = (hit: boolean) =>
    since.filter(([way]) => (concerned?.has(way) ?? true) === hit).map(([, { after, gap }]) => after ?? gap);
  const gap = Math.max(...since.map(([, resumed]) => resumed.gap));
  return { fault, node, resumed: times(true), others: times(false), gap };
}

/** A node that carries something: who lost it a while ago has found another home. */
async function busyNode(crowd: Crowd, dice: Dice): Promise<{ node: number; ways: Set<Way> }> {
  const nodes = shuffled(Array.from({ length: NODES }, (_, node) => node), dice);
  const found = await Promise.all(nodes.map(async (node) => ({ node, ways: await crowd.through(node) })));
  return found.find(({ ways }) => ways.size >= BUSY) ?? found[0]!;
}

async function inflict(crowd: Crowd, { fault, node, dice }: Strike): Promise<void> {
  switch (fault) {
    case "kill":
      await crowd.kill(node);
      await sleep(AWAY);
      return await crowd.start(node);
    case "nats-kill":
      await crowd.nats!.kill(node);
      await sleep(AWAY);
      return await crowd.nats!.start(node);
    case "nats-freeze":
      crowd.nats!.freeze(node);
      await sleep(LASTS);
      return crowd.nats!.thaw(node);
    case "freeze":
      crowd.freeze(node);
      await sleep(LASTS);
      return crowd.thaw(node);
    case "blackhole":
      crowd.network.cut(node);
      await sleep(LASTS);
      return crowd.network.heal(node);
    case "reset":
      return await turn(crowd, node, { kind: "reset" });
    case "finish":
      return await turn(crowd, node, { kind: "finished" });
    case "half-open":
      return await turn(crowd, node, { kind: "swallowing", way: dice(2) === 0 ? "to" : "from" });
    case "slow":
      return await turn(crowd, node, BAD_LINE);
    case "node-clock":
      return await jump((offset) => crowd.setNodeClock(node, offset), dice);
    case "peer-clock": {
      const worker = dice(crowd.workers);
      return await jump((offset) => crowd.setPeerClock(worker, offset), dice);
    }
    case "disk":
      return await fillDisk(crowd, node);
    case "memory":
      return await press(crowd, node);
    case "descriptors":
      return await exhaust(crowd, node);
  }
}

async function turn(crowd: Crowd, node: number, flow: Flow): Promise<void> {
  crowd.network.turn!(node, flow);
  await sleep(LASTS);
  crowd.network.heal(node);
}

/** The next fault is to find every peer with both sessions: one at a time. */
async function recover(crowd: Crowd): Promise<void> {
  const until = performance.now() + RECOVERY_MOST;
  await sleep(RECOVERY);
  while (performance.now() < until && !await crowd.moored()) await sleep(500);
}
