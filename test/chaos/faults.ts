/** Faults one at a time, and how long the ways that used the faulty node took to go on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Crowd } from "./crowd.ts";
import { NATS_SERVERS, NODES } from "./crowd.ts";
import { type Dice, shuffled } from "../dice.ts";
import type { Way } from "./worker.ts";

export const FAULTS = ["kill", "freeze", "blackhole"] as const;
/** Of the servers of NATS, where that is the fabric. */
export const NATS_FAULTS = ["nats-kill", "nats-freeze"] as const;
export type Fault = (typeof FAULTS)[number] | (typeof NATS_FAULTS)[number];

/** Milliseconds that a killed node stays away, and that the other faults last. */
const AWAY = 1_000;
const LASTS = 10_000;
/** Milliseconds after a fault in which the mesh and all sessions should be whole again. */
const RECOVERY = 6_000;
const RECOVERY_MOST = 30_000;

/** Ways through a node from which it is worth a fault. */
const BUSY = 20;

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
export async function* storm(crowd: Crowd, dice: Dice, until: number): AsyncGenerator<Outcome> {
  for (;;) {
    for (const fault of shuffled(crowd.nats ? [...FAULTS, ...NATS_FAULTS] : FAULTS, dice)) {
      if (performance.now() >= until) return;
      if (isOfNats(fault)) {
        yield await strike(crowd, fault, dice(NATS_SERVERS), undefined);
        continue;
      }
      const { node, ways } = await busyNode(crowd, dice);
      yield await strike(crowd, fault, node, ways);
    }
  }
}

function isOfNats(fault: Fault): boolean {
  return (NATS_FAULTS as readonly Fault[]).includes(fault);
}

/** `concerned`: the ways that use the node; a server of NATS concerns them all. */
async function strike(
  crowd: Crowd,
  fault: Fault,
  node: number,
  concerned: Set<Way> | undefined,
): Promise<Outcome> {
  const at = Date.now();
  await inflict(crowd, fault, node);
  await recover(crowd);
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

async function inflict(crowd: Crowd, fault: Fault, node: number): Promise<void> {
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
  }
}

/** The next fault is to find every peer with both sessions: one at a time. */
async function recover(crowd: Crowd): Promise<void> {
  const until = performance.now() + RECOVERY_MOST;
  await sleep(RECOVERY);
  while (performance.now() < until && !await crowd.moored()) await sleep(500);
}
