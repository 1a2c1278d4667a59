import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** What a program says first. */
export async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  throw new Error(`${child.spawnfile} ended without a word`);
}
