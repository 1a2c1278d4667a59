/**
 * From nothing to the first accepted peer, for a node on each runtime: `npx tsx test/bench/cold_start.ts [TIMES]`.
 *
 * The peer runs beforehand, so the time is the node's: its process, its program, listening, one handshake. An
 * object on workerd starts anew for each peer that comes, so its time in a running deployment is told, too.
 *
 * @module
 */
import process from "node:process";
import type { Target } from "../compliance/check.ts";
import { startIsolate } from "../compliance/isolate_target.ts";
import { startServer } from "../compliance/server_target.ts";
import { goHome, visit } from "../compliance/visitor.ts";
import { bundle, startWorkerd } from "../compliance/workerd.ts";

const times = Number(process.argv[2] ?? 7);
const script = await bundle();

async function startDeployment(): Promise<Target> {
  const { url, stop } = await startWorkerd({}, script);
  return { url, drain() {}, close: stop };
}

const STARTS: Record<string, () => Promise<Target>> = {
  bun: () => startServer("bun"),
  deno: () => startServer("deno"),
  node: () => startServer("node"),
  isolate: () => startIsolate(),
  workerd: startDeployment,
};

async function measured(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function coldStart(start: () => Promise<Target>): Promise<number> {
  let target: Target | undefined;
  const took = await measured(async () => {
    target = await start();
    await visit(target.url);
  });
  goHome();
  await target!.close();
  return took;
}

async function repeated(work: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) taken.push(await work());
  return taken.sort((a, b) => a - b);
}

function tell(what: string, taken: number[]): void {
  const [least, median, most] = [taken[0]!, taken[times >> 1]!, taken.at(-1)!].map((ms) => ms.toFixed(0));
  console.log(`${what.padEnd(24)} median ${median} ms, ${least} to ${most}, of ${times}`);
}

for (const [runtime, start] of Object.entries(STARTS)) tell(runtime, await repeated(() => coldStart(start)));
const deployment = await startDeployment();
await visit(deployment.url); // the gateway, and the isolate that all objects here share
tell("another object, workerd", await repeated(() => measured(() => visit(deployment.url))));
goHome();
await deployment.close();
process.exit();
