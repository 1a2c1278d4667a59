/**
 * All nodes are asked to leave, one after the other, and come back, while everybody talks.
 *
 *     npx tsx test/chaos/rolling.ts [mixed]
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { CURRENT, nextVersion } from "./builds.ts";
import { Crowd, NODES, type Sums } from "./crowd.ts";
import { seededDice } from "../dice.ts";
import { moment, type Resumed } from "./ledger.ts";

/** Milliseconds after a node came back until the next one leaves: sessions and presence are whole again. */
const PAUSE = 3_000;

export interface Rolled {
  sums: Sums;
  /** The longest time without an arrival on any way while nothing happened: what this machine takes anyway. */
  calm: number;
  /** For each restart the longest time without an arrival on any way, milliseconds. */
  gaps: number[];
  failures: string[];
}

/** `mixed`: every other node and one of the peers' processes speak the next version. */
export async function roll({ seed, mixed }: { seed: number; mixed: boolean }): Promise<Rolled> {
  const folder = mkdtempSync(join(tmpdir(), "waymeet-next-"));
  try {
    const next = mixed ? nextVersion(folder) : CURRENT;
    const crowd = await Crowd.gather({
      dice: seededDice(seed),
      build: (_, index) => index % 2 === 0 ? next : CURRENT,
    });
    const calm = await calmGap(crowd);
    const gaps: number[] = [];
    for (let node = 0; node < NODES; node++) gaps.push(await restart(crowd, node));
    const sums = await crowd.count();
    const { failures } = crowd;
    await crowd.close();
    return { sums, calm, gaps, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function calmGap(crowd: Crowd): Promise<number> {
  await crowd.since(moment());
  const at = moment();
  await sleep(PAUSE);
  return longest(await crowd.since(at));
}

async function restart(crowd: Crowd, node: number): Promise<number> {
  const at = moment();
  await crowd.end(node);
  await crowd.start(node);
  await sleep(PAUSE);
  return longest(await crowd.since(at));
}

function longest(since: Map<string, Resumed>): number {
  return Math.max(...[...since.values()].map(({ gap }) => gap));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(JSON.stringify(await roll({ seed: 1, mixed: process.argv[2] === "mixed" })));
  process.exit(0);
}
