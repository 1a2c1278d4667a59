/** What a process is allowed, and what it takes, by its number: Linux alone. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import process from "node:process";

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The most descriptors that it may have from now on; none: what it began with. */
export function allowDescriptors(pid: number, most: number | undefined): void {
  const hard = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))![1]!;
  const { status, stderr } = spawnSync("prlimit", [`--pid=${pid}`, `--nofile=${most ?? hard}:${hard}`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}

/** Seconds of processor time so far, at 100 ticks a second (`getconf CLK_TCK`). */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Milliseconds of one period of a capped process. */
const PERIOD = 50;

/** Holds a process to a share of one core: by the kernel where it can be asked, else by stopping it again and again. */
export function capProcessor(pid: number, share: number): () => void {
  return capByGroup(pid, share) ?? capBySignals(pid, share);
}

function capByGroup(pid: number, share: number): (() => void) | undefined {
  const second = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const parent = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
  const group = `${parent}/waymeet-chaos-${process.pid}`;
  const [quota, period] = [share * PERIOD * 1_000, PERIOD * 1_000].map((number) =>
    String(Math.round(number))
  );
  try {
    mkdirSync(group);
    if (second) writeFileSync(`${group}/cpu.max`, `${quota} ${period}`);
    else {
      writeFileSync(`${group}/cpu.cfs_period_us`, period!);
      writeFileSync(`${group}/cpu.cfs_quota_us`, quota!);
    }
    writeFileSync(`${group}/cgroup.procs`, String(pid));
  } catch {
    removeGroup(group);
    return undefined;
  }
  return () => {
    writeFileSync(`${parent}/cgroup.procs`, String(pid));
    removeGroup(group);
  };
}

function removeGroup(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    return; // there is none, or somebody is in it still
  }
}

function capBySignals(pid: number, share: number): () => void {
  const on = setInterval(() => {
    send(pid, "SIGCONT");
    setTimeout(() => send(pid, "SIGSTOP"), PERIOD * share);
  }, PERIOD);
  return () => {
    clearInterval(on);
    setTimeout(() => send(pid, "SIGCONT"), PERIOD);
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // it has ended
  }
}
