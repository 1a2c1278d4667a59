/** Faults of the machine under a node: what the node is to do about each is checked while they last. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../dice.ts";
import type { Crowd } from "./crowd.ts";
import { allowDescriptors, descriptorsOf, processorSeconds } from "./limits_of.ts";

/** Milliseconds that each of them lasts. */
const LASTS = 8_000;
/** Minutes by which a clock jumps, at most. */
const JUMP = 10;

/** The wall clock jumps ahead or back by minutes, and later to where it belongs. */
export async function jump(set: (offset: number) => void, dice: Dice): Promise<void> {
  const minutes = 1 + dice(JUMP);
  set((dice(2) === 0 ? 1 : -1) * minutes * 60_000);
  await sleep(LASTS);
  set(0);
}

/** Milliseconds within which what could not be written is written when there is room again. */
const WRITTEN = 30_000;

/** Nothing more fits on the disk of a node's files, while there is something to write. */
export async function fillDisk(crowd: Crowd, node: number): Promise<void> {
  const disk = crowd.disk(node)!;
  const subject = `203.0.113.${crowd.banned++ % 256}`;
  disk.fill();
  await crowd.operate(node, "/v1/operator/ban", { subject, reason: "noise", seconds: 3_600 });
  await sleep(LASTS);
  for (const name of disk.files.filter((name) => name.endsWith(".json"))) {
    if (!isWhole(disk.read(name)!)) crowd.fail(`node ${node} left half a ${name} on the full disk`);
  }
  disk.free();
  const until = performance.now() + WRITTEN;
  while (!disk.read("bans.json")?.includes(subject)) {
    if (performance.now() > until) {
      return crowd.fail(`node ${node} did not write its bans when there was room again`);
    }
    await sleep(500);
  }
  const stray = disk.files.filter((name) => !["log", "bans.json", "nodes.json"].includes(name));
  if (stray.length > 0) crowd.fail(`node ${node} left ${stray} behind`);
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Less memory is allowed than the node has: it takes nobody new, and those who talk stay. */
export async function press(crowd: Crowd, node: number): Promise<void> {
  await crowd.operate(node, "/v1/operator/limits", { memory: 1 });
  await sleep(LASTS);
  await crowd.operate(node, "/v1/operator/limits", { memory: "none" });
}

/** Descriptors that are left. */
const LEFT = 4;
const CONNECTIONS = 40;
/** Of one core: what a node that spins at a listener it cannot serve takes is all of it. */
const SPINNING = 0.8;

/** No descriptors are left, and connections come: the node neither ends nor spins, and serves again later. */
export async function exhaust(crowd: Crowd, node: number): Promise<void> {
  const pid = crowd.pid(node);
  const before = await share(pid, 2_000);
  allowDescriptors(pid, descriptorsOf(pid) + LEFT);
  await crowd.hold(node, CONNECTIONS);
  const spent = await share(pid, LASTS);
  if (spent > SPINNING && spent > 2 * before) {
    crowd.fail(
      `node ${node} (${crowd.runtime(node)}) took ${spent.toFixed(2)} of a core without descriptors, ${
        before.toFixed(2)
      } before`,
    );
  }
  await crowd.release();
  allowDescriptors(pid, undefined);
  await sleep(1_000);
  const { status } = await crowd.fetch(node, "/healthz");
  if (status !== 200) crowd.fail(`node ${node} does not serve when descriptors are free again: ${status}`);
}

/** Of one core, over so many milliseconds. */
async function share(pid: number, duration: number): Promise<number> {
  const [start, at] = [processorSeconds(pid), performance.now()];
  await sleep(duration);
  return (processorSeconds(pid) - start) / (performance.now() - at) * 1_000;
}
