/** What the processes of a chaos run execute: this tree, or a copy that speaks the next version. */
import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../architecture/source.ts";
import { type RuntimeName, runtimes } from "../runtimes.ts";

export interface Build {
  /** URLs of the command line and of the SDK's entry point. */
  cli: string;
  sdk(runtime: RuntimeName): string;
}

export const CURRENT: Build = buildAt(ROOT, "ts");

function buildAt(folder: string, ending: "ts" | "js"): Build {
  const url = (path: string) => pathToFileURL(join(folder, `${path}.${ending}`)).href;
  return {
    cli: url("src/cli/main"),
    sdk: (runtime) => url(runtime === "bun" ? "src/mod" : "src/mod.node"),
  };
}

/** What a later minor version does differently: it says so in its hello, and sends frames of kinds unknown today. */
const CHANGES = [
  ["src/wire/protocol.js", "export const VERSION = 1;", "export const VERSION = 2;"],
  [
    "src/session/live_session.js",
    "this.#tell(() => this.#handlers.ready(this));",
    // [900, "?"]
    "$& this.send(new Uint8Array([0x82, 0x19, 0x03, 0x84, 0x61, 0x3f]));",
  ],
] as const;

/** Builds the copy in `folder`, which holds nothing yet. */
export function nextVersion(folder: string): Build {
  const node = runtimes().find(({ name }) => name === "node")!.program;
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(node, [tsc, "-p", "tsconfig.build.json", "--outDir", folder], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("tsc refused the source, see above");
  for (const assets of ["src", "edge"]) {
    cpSync(join(ROOT, assets), join(folder, assets), {
      recursive: true,
      filter: (path) => lstatSync(path).isDirectory() || !/\.(ts|md)$/.test(path),
    });
  }
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [path, before, after] of CHANGES) change(join(folder, path), before, after);
  return buildAt(folder, "js");
}

function change(path: string, before: string, after: string): void {
  const text = readFileSync(path, "utf8");
  if (!text.includes(before)) throw new Error(`${path} has no "${before}" any more`);
  writeFileSync(path, text.replace(before, after));
}
