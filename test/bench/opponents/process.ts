/** Relays as processes of their own, on loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "./opponent.ts";

/** Milliseconds for a relay to listen: on a busy machine the slowest took 6 s. */
const START = 30_000;

/** Where `build.sh` puts what it built. */
export function cache(...path: string[]): string {
  return join(process.env.WAYMEET_BENCH_CACHE ?? join(homedir(), ".cache", "waymeet-bench"), ...path);
}

/** A directory that goes when this process does. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `waymeet-${name}-`));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The program's path among those `build.sh` built and those of the PATH. */
export function program(name: string): string | undefined {
  const folders = [cache("bin"), ...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  return address.port;
}

/** Starts a relay and waits until it listens. */
export async function startRelay(
  command: string[],
  port: number,
  env: Record<string, string> = {},
): Promise<Running> {
  const [name, ...words] = command;
  const child = spawn(name!, words, { stdio: "ignore", env: { ...process.env, ...env } });
  const running = runningOf(child, port);
  await listens(child, port);
  return running;
}

/** A relay that ends with this process, however this one ends, but by SIGKILL. */
export function runningOf(child: ChildProcess, port: number): Running {
  const stop = () => void child.kill("SIGKILL");
  process.once("exit", stop);
  child.once("exit", () => process.off("exit", stop));
  return { pid: child.pid!, port, stop };
}

async function listens(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + START;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) {
      throw new Error(`${child.spawnfile} ended with ${child.exitCode} before it listened`);
    }
    if (await answers(port)) return;
    await sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`${child.spawnfile} did not listen at port ${port} within ${START} ms`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((told) => {
    const socket = connectTcp(port, "127.0.0.1", () => (socket.destroy(), told(true)));
    socket.on("error", () => told(false));
  });
}

/** A TCP connection to a relay; nothing waits in the sender's kernel (TCP_NODELAY). */
export function connect(port: number): Promise<Socket> {
  return new Promise((open, reject) => {
    const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true }, () => open(socket));
    socket.once("error", reject);
    socket.on("error", () => {});
  });
}
