/**
 * Where the three runtimes are. Bun and Deno come from npm packages, so a machine
 * with Node and npm alone has all of them after `npm ci`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export type RuntimeName = "node" | "bun" | "deno";

/** A runtime and the words that start a TypeScript file under it: append the file and its arguments. */
export interface Runtime {
  name: RuntimeName;
  /** Absolute path of the program. */
  program: string;
  /** Program and arguments, e.g. `["/…/deno", "run", "-A", "--no-check"]`. */
  command: string[];
}

const modules = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules");
const windows = process.platform === "win32" ? ".exe" : "";

/** This machine's Node, Bun and Deno. Throws when `npm ci` has not been run. */
export function runtimes(): Runtime[] {
  const node = nodeProgram();
  const bun = installed("bun", bunPlaces());
  const deno = installed("deno", denoPlaces());
  return [
    { name: "node", program: node, command: [node, "--import", tsx()] },
    { name: "bun", program: bun, command: [bun, "run"] },
    { name: "deno", program: deno, command: [deno, "run", "-A", "--no-check"] },
  ];
}

/** Under Node its own path; elsewhere whatever `node` the PATH names. */
function nodeProgram(): string {
  const foreign = process.versions.bun ?? process.versions.deno;
  return foreign === undefined ? process.execPath : "node";
}

/** As a URL, so that it is found from any working directory. */
function tsx(): string {
  return new URL("../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
}

function installed(name: string, places: string[]): string {
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${name} is not in node_modules: run "npm ci" first`);
  return found;
}

/**
 * The install script of `bun` moves the program out of its platform package into
 * `bun/bin`, leaving 450 bytes of complaint there when install scripts are switched
 * off; so the platform package is asked first, and never the npm shim.
 */
function bunPlaces(): string[] {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const cpu = process.arch === "arm64" ? "aarch64" : process.arch;
  return [
    join(modules, "@oven", `bun-${os}-${cpu}`, "bin", `bun${windows}`),
    join(modules, "@oven", `bun-${os}-${cpu}-musl`, "bin", `bun${windows}`),
    join(modules, "bun", "bin", "bun.exe"),
  ];
}

/** The npm shim of `deno` is a Node process that outlives a signal sent to it: the program itself is wanted. */
function denoPlaces(): string[] {
  const libc = process.platform === "linux" ? "-glibc" : "";
  const platform = `${process.platform}-${process.arch}${libc}`;
  return [join(modules, "@deno", platform, `deno${windows}`), join(modules, "deno", `deno${windows}`)];
}
