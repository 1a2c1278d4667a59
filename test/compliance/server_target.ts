/** A node in a process of its own, on Bun, Deno or Node. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type RuntimeName, runtimes } from "../runtimes.ts";
import type { Target } from "./check.ts";

/** A program that prints `{"url":"ws://…"}` once it serves, and leaves when it gets SIGTERM. */
export async function startProcess(command: string[], env: Record<string, string> = {}): Promise<Target> {
  const child = spawn(command[0]!, command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    url: await firstUrl(child),
    drain: () => void child.kill("SIGTERM"),
    async close() {
      process.off("exit", kill);
      kill();
      await ended;
    },
  };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith("{")) return JSON.parse(line).url;
  }
  throw new Error("the node ended before it served");
}

export function startServer(runtime: RuntimeName): Promise<Target> {
  const { command } = runtimes().find(({ name }) => name === runtime)!;
  return startProcess([...command, fileURLToPath(new URL("server.ts", import.meta.url)), runtime]);
}
