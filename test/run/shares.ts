import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Processes that share the suite on Node: two at a time, and the slowest share is not the whole. */
const SHARES = 4;

/**
 * Writes one file per share that imports the test files of that share, and returns their paths
 * from the root. `node --test` starts a process for each file it gets, and starting TypeScript
 * anew took two thirds of the suite's time.
 */
export function shares(root: string, files: string[]): string[] {
  const folder = join(root, ".cache/suite");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const count = Math.min(SHARES, files.length);
  return Array.from({ length: count }, (_, share) => {
    // In turn, so that the files of one part, alike in weight, are spread over all.
    const mine = files.filter((_, i) => i % count === share);
    const path = `.cache/suite/share-${share + 1}.test.ts`;
    writeFileSync(join(root, path), mine.map((file) => `import "../../${file}";\n`).join(""));
    return path;
  });
}
