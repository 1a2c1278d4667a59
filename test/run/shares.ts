import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeName } from "../runtimes.ts";

/** Processes that share the suite on a runtime: enough to keep two cores busy to the end. */
const SHARES = 3;
/** Test files for which a process of their own is worth its start, at least. */
const FEW = 20;

/** Test files that one process runs. */
export interface Share {
  /** From the root: a file that imports them. */
  path: string;
  files: string[];
}

/**
 * Writes a file for each share that imports its test files. Node starts a process for each file it
 * gets, Deno a worker: starting TypeScript anew took two thirds of the suite's time on the one and
 * half of it on the other.
 */
export function shares(root: string, runtime: RuntimeName, files: string[]): Share[] {
  const folder = `.cache/suite/${runtime}`;
  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  const count = Math.min(SHARES, Math.ceil(files.length / FEW));
  return Array.from({ length: count }, (_, share) => {
    // In turn, so that the files of one part, alike in weight, are spread over all.
    const mine = files.filter((_, i) => i % count === share);
    const path = `${folder}/share-${share + 1}.test.ts`;
    writeFileSync(join(root, path), mine.map((file) => `import "../../../${file}";\n`).join(""));
    return { path, files: mine };
  });
}
