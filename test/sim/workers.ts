/**
 * Many seeds over several processes. Each runs one seed after the other, so that the compiler's work is
 * done once; what a seed does depends on nothing that another left behind (a test says so).
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Report } from "./report.ts";
import type { Shape } from "./seeds.ts";

/** Seeds that one process runs before the next takes its place. */
const SEEDS_EACH = 20;

/** What became of a seed: its report, or how its process died. */
export type Outcome = { seed: number; report: Report } | { seed: number; died: string };

export interface WorkOptions {
  seeds: readonly number[];
  shape: Shape;
  workers: number;
  /** Milliseconds after which no further seed begins. */
  limit: number;
  done: (outcome: Outcome) => void;
}

/** Runs all seeds, or as many as begin within the limit. */
export async function work({ seeds, shape, workers, limit, done }: WorkOptions): Promise<void> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const directory = await mkdtemp(join(root, "node_modules", ".sim-"));
  const until = performance.now() + limit;
  const left = [...seeds];
  try {
    const program = await compile(directory);
    const worker = async () => {
      while (left.length > 0 && performance.now() < until) await inProcess(program, shape, left, until, done);
    };
    await Promise.all(Array.from({ length: workers }, worker));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** One file without types: loading it is quick, and no loader adds its own calls to the code. */
async function compile(directory: string): Promise<string> {
  const outfile = join(directory, "seeds.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("./worker.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "error",
  });
  return outfile;
}

/** A process that asks for seeds; it is told one when the one before is done. */
async function inProcess(
  program: string,
  shape: Shape,
  left: number[],
  until: number,
  done: (outcome: Outcome) => void,
): Promise<void> {
  const child = spawn(process.execPath, ["--max-semi-space-size=64", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const over = new Promise<string>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? `${code}`))
  );
  let seed: number | undefined;
  const next = (given: number) => {
    const more = given < SEEDS_EACH && performance.now() < until;
    seed = more ? left.shift() : undefined;
    if (seed === undefined) child.stdin.end();
    else child.stdin.write(JSON.stringify({ ...shape, seed }) + "\n");
  };
  let given = 0;
  next(given++);
  for await (const line of createInterface({ input: child.stdout })) {
    done({ seed: seed!, report: JSON.parse(line) as Report });
    next(given++);
  }
  const end = await over;
  if (seed !== undefined) done({ seed, died: end });
}
