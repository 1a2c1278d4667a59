/**
 * Builds `dist/` for npm: JavaScript and types from `src` and `edge`, assets beside them.
 *
 * Also links this package's own command into `node_modules/.bin`, which npm does for
 * dependencies only: so `npx waymeet` works in a checkout, offline and without a copy
 * of the package in npx's cache.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildPages } from "./build_pages.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

function compile(): void {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("tsc refused the source, see above");
}

/** JSON vectors, CDDL, pages: whatever the compiler has not made and nobody reads in prose. */
function copyAssets(folder: string): void {
  cpSync(join(root, folder), join(dist, folder), {
    recursive: true,
    filter: (path) => lstatSync(path).isDirectory() || !/\.(ts|md|html|css)$/.test(path),
  });
}

function linkCommands(): void {
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  const commands = join(root, "node_modules/.bin");
  mkdirSync(commands, { recursive: true });
  for (const [name, path] of Object.entries(bin)) {
    chmodSync(join(root, path), 0o755);
    if (process.platform === "win32") continue; // Links need a privilege there, and a shim instead.
    rmSync(join(commands, name), { force: true });
    symlinkSync(relative(commands, join(root, path)), join(commands, name));
  }
}

rmSync(dist, { recursive: true, force: true });
await buildPages(root);
compile();
for (const folder of ["src", "edge"]) copyAssets(folder);
linkCommands();
