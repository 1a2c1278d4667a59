import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeName } from "../runtimes.ts";

/** What a test file says of itself, each in a comment line of its own. */
export interface Wish {
  /** `// runtimes: node, bun`: where it runs. */
  runtimes?: RuntimeName[];
  /** `// deadline: 300 s`, in milliseconds. */
  deadline?: number;
  /** `// cores: 0.6`: how many are kept for it, and that it minds others beside it no more than that. */
  cores?: number;
}

const NAMES: readonly string[] = ["node", "bun", "deno"] satisfies RuntimeName[];

/** Throws a TypeError for a runtime that is none: a file that asked for it would silently never run. */
export function wishOf(root: string, file: string): Wish {
  const text = readFileSync(join(root, file), "utf8");
  const said = (line: RegExp): string | undefined => line.exec(text)?.[1];
  const runtimes = said(/^\/\/ runtimes: (.+)$/m);
  const seconds = said(/^\/\/ deadline: (\d+) s$/m);
  const cores = said(/^\/\/ cores: ([\d.]+)$/m);
  return {
    ...(runtimes === undefined ? {} : { runtimes: runtimesOf(runtimes, file) }),
    ...(seconds === undefined ? {} : { deadline: Number(seconds) * 1_000 }),
    ...(cores === undefined ? {} : { cores: Number(cores) }),
  };
}

function runtimesOf(list: string, file: string): RuntimeName[] {
  const names = list.split(/[\s,]+/).filter((name) => name !== "");
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return names as RuntimeName[];
  throw new TypeError(`${file} names the runtime "${unknown}"; there are ${NAMES.join(", ")}`);
}
