/** What a process holds, told from inside after a collection. */
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import { readdirSync } from "node:fs";
import { held } from "./held.ts";

export type Vitals = Record<string, number>;

/** Resident memory, what the program holds and the rest of its heap in KiB, descriptors, and timers where they are told. */
export async function vitals(): Promise<Vitals> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10)); // what finalizers free is gone after the second
  }
  const { rss, heapUsed } = process.memoryUsage();
  const rest = { rss: rss / 1_024, ...descriptors(), ...timers() };
  const live = await held();
  return live ? { ...rest, ...live, code: heapUsed / 1_024 - live.held } : rest;
}

const collect = collector();

function collector(): () => void {
  const bun = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun;
  if (bun) return () => bun.gc(true);
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}

function descriptors(): Vitals {
  try {
    return { descriptors: readdirSync("/proc/self/fd").length };
  } catch {
    return {}; // no Linux
  }
}

function timers(): Vitals {
  if (process.versions.bun !== undefined) return {};
  const resources = process.getActiveResourcesInfo?.() ?? [];
  return { timers: resources.filter((name) => name === "Timeout").length };
}
