/** Where figures come from, without which they say nothing. */
import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import process from "node:process";

export interface Machine {
  processor: string;
  cores: number;
  memoryGib: number;
  kernel: string;
  node: string;
  /** Processes that wanted a core, on average over the last minute: above `cores` others took a part of the rates. */
  load: number;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: Number(loadavg()[0]!.toFixed(1)),
  };
}

/** Nanoseconds that each thread of a process had worked when it was last looked at, by its id. */
const threads = new Map<number, Map<string, number>>();

/**
 * Microseconds that the threads of a process have worked, and the system for them: in
 * nanoseconds by Linux's scheduler (`schedstat`), where proc(5)'s own count has hundredths of
 * a second. Of a thread that has ended counts what it had worked at the look before: Bun's
 * collectors and compilers come and go.
 */
export function processorTime(pid: number): number {
  const known = threads.get(pid) ?? new Map<string, number>();
  threads.set(pid, known);
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    known.set(task, Math.max(known.get(task) ?? 0, threadTime(`/proc/${pid}/task/${task}/schedstat`)));
  }
  return [...known.values()].reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1000;
}

/** A thread may end between the listing and the reading. */
function threadTime(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}

/** Resident KiB. */
export function residentSize(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}
