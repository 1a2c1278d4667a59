/**
 * How a program starts itself again, on each runtime.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { Terminal } from "./terminal.ts";

/** Starts this command line again with more variables. Its input ends when this process does. */
export type Fork = (env: Record<string, string>) => ChildProcess;

/** On Node the workers of `node:cluster` take their connections from it; elsewhere the system spreads them. */
export async function forker(runtime: Terminal["runtime"]): Promise<Fork> {
  if (runtime !== "node") return (env) => again(runtime, env);
  const { default: cluster } = await import("node:cluster");
  cluster.setupPrimary({ silent: true });
  return (env) => cluster.fork(env).process;
}

/** A shared port is still behind a flag. Who may run programs may do everything, so nothing is given away by `-A`. */
const DENO = ["run", "-A", "--no-check", "--unstable-net"];

function again(runtime: "bun" | "deno", env: Record<string, string>): ChildProcess {
  const script = process.argv[1]!;
  // A single executable starts with what it carries.
  const packed = script.startsWith("/$bunfs/") || script === process.execPath;
  const before = packed ? [] : runtime === "deno" ? [...DENO, script] : [script];
  return spawn(process.execPath, [...before, ...process.argv.slice(2)], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}
