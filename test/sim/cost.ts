/**
 * What one change of presence costs a mesh of N nodes, without faults, and how long it takes until all
 * know it. The peers are whole but silent: sessions and records, no links.
 *
 * @module
 */
import { powerLaw } from "../bench/statistics.ts";
import { Convergence, lastingDisagreements } from "./convergence.ts";
import { Ledger } from "./ledger.ts";
import { SimPeer } from "./peers.ts";
import { type Spread, spread } from "./report.ts";
import type { FrameCount } from "./trace.ts";
import { World } from "./world.ts";

export interface CostOptions {
  seed: number;
  nodes: number;
  peers: number;
}

export interface Cost {
  nodes: number;
  peers: number;
  /** What nodes wrote while it was measured: each arrival, renewal and departure. */
  changes: number;
  framesPerChange: number;
  bytesPerChange: number;
  /** Frames per change and node that has to learn of it. */
  framesPerNode: number;
  /** Digests per node and second, whether something changes or not. */
  digestsPerSecond: number;
  join: Spread;
  leave: Spread;
  /** Real seconds. */
  seconds: number;
  violations: string[];
}

/** Milliseconds: nodes find each other; arrivals before those that are measured; between two changes. */
const BOOT = 20_000;
const ARRIVALS = 60_000;
const PAUSE = 100;
/** Peers whose coming and going is measured. */
const MEASURED = 100;
const SETTLING = 6_000;
/** Milliseconds within which every node knows of a change (the figure). */
const KNOWN_WITHIN = 5_000;
const PRESENCE = 20;
const DIGEST = 21;

export async function cost({ seed, nodes, peers: count }: CostOptions): Promise<Cost> {
  const began = performance.now();
  const world = new World({ seed, nodes, breadth: 50 });
  try {
    const ledger = new Ledger(() => world.now);
    const convergence = new Convergence(world);
    const measured = Math.min(MEASURED, count);
    const peers = Array.from({ length: count }, (_, number) => {
      const urls = world.dice.some(world.stations, number % 10 === 0 ? 2 : 1).map(({ url }) => url);
      return new SimPeer(world, number, urls, ledger, (who, kind) => {
        if (number >= count - measured) convergence.changed(who, kind);
      });
    });
    const silent = { pause: 1e9, talking: false };
    await world.pass(BOOT);
    const earlier = peers.slice(0, count - measured);
    for (const peer of earlier) {
      void peer.open(silent);
      await world.pass(ARRIVALS / earlier.length);
    }
    await world.pass(SETTLING);
    const before = snapshot(world);
    for (const peer of peers.slice(count - measured)) {
      void peer.open(silent);
      await world.pass(PAUSE);
    }
    await world.pass(SETTLING);
    for (const peer of peers.slice(count - measured)) {
      void peer.leave();
      await world.pass(PAUSE);
    }
    await world.pass(SETTLING);
    const after = snapshot(world);
    for (const text of await lastingDisagreements(world, peers, KNOWN_WITHIN)) ledger.fault(text);
    const changes = after.changes - before.changes;
    const seconds = 2 * (measured * PAUSE + SETTLING) / 1000;
    const frames = after.presence.frames - before.presence.frames;
    return {
      nodes,
      peers: count,
      changes,
      framesPerChange: frames / changes,
      bytesPerChange: (after.presence.bytes - before.presence.bytes) / changes,
      framesPerNode: frames / changes / (nodes - 1),
      digestsPerSecond: (after.digest.frames - before.digest.frames) / nodes / seconds,
      join: spread(convergence.calm.join),
      leave: spread(convergence.calm.leave),
      seconds: (performance.now() - began) / 1000,
      violations: ledger.faults,
    };
  } finally {
    world.end();
  }
}

function snapshot(world: World): { changes: number; presence: FrameCount; digest: FrameCount } {
  const own = world.stations.map(({ node, identity }) =>
    node.meshStatus()!.presence.origins.find(({ origin }) => origin === identity.id)!.version
  );
  const count = (kind: number) => ({ ...world.trace.meshFrames.get(kind) ?? { frames: 0, bytes: 0 } });
  return {
    changes: own.reduce((sum, version) => sum + version, 0),
    presence: count(PRESENCE),
    digest: count(DIGEST),
  };
}

/** How frames per change grow with the nodes that have to learn of it (all but one): the exponent of the best power law. */
export function exponent(costs: readonly Pick<Cost, "nodes" | "framesPerChange">[]): number {
  return powerLaw(costs.map(({ nodes, framesPerChange }) => [nodes - 1, framesPerChange]));
}

/** For people. */
export function costTable(costs: readonly Cost[]): string {
  const head =
    "nodes   peers  frames/change  bytes/change  per node  digests/s  join p50  p99  leave p50  p99 (ms)";
  const rows = costs.map((c) =>
    [
      String(c.nodes).padStart(5),
      String(c.peers).padStart(7),
      c.framesPerChange.toFixed(1).padStart(14),
      String(Math.round(c.bytesPerChange)).padStart(13),
      c.framesPerNode.toFixed(2).padStart(9),
      c.digestsPerSecond.toFixed(1).padStart(10),
      String(c.join.p50).padStart(9),
      String(c.join.p99).padStart(4),
      String(c.leave.p50).padStart(10),
      String(c.leave.p99).padStart(4),
    ].join(" ") + (c.violations.length > 0 ? `\n      ${c.violations.join("\n      ")}` : "")
  );
  const growth = costs.length > 1
    ? [`frames per change grow as (nodes − 1)^${exponent(costs).toFixed(2)}`]
    : [];
  return [head, ...rows, ...growth].join("\n");
}
