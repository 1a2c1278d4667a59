import { codeOnly, localImports, type Source, specifiers } from "./source.ts";

const below = {
  identity: [] as string[],
  wire: ["identity"],
  stun: ["identity", "wire"],
  session: ["identity", "wire"],
  link: ["identity", "wire", "session"],
  path: ["identity", "wire", "session", "link"],
  peer: ["identity", "wire", "session", "link", "path"],
  mesh: ["identity", "wire", "session"],
  pages: [],
  rendezvous: ["identity", "wire", "stun", "session", "mesh", "pages"],
};
const sdk = [...below.peer, "peer"];
const server = [...below.rendezvous, "rendezvous"];

/** Which other layers each layer may import. `peer` and `rendezvous` meet in the command line alone. */
const MAY_IMPORT: Record<string, string[]> = {
  ...below,
  sdk: [...sdk, "browser"],
  browser: [],
  page: [],
  chat: [...sdk, "sdk", "browser", "page"],
  dashboard: ["identity", "page", "rendezvous"],
  edge: server,
  cli: [...sdk, ...server, "sdk", "edge"],
};

/** `src/link/noise.ts` → `link`; `src/mod.ts`, `src/mod.node.ts` and `src/sdk.ts` → `sdk`; else the folder. */
export function layerOf(path: string): string {
  if (path.startsWith("edge/")) return "edge";
  if (/^src\/(mod(\.\w+)?|sdk)\.ts$/.test(path)) return "sdk";
  return path.split("/")[1]!;
}

/** Imports of a file that point up or sideways, or at a folder without a place in the order. */
export function wrongImports(file: Source): string[] {
  const layer = layerOf(file.path);
  const allowed = MAY_IMPORT[layer];
  if (allowed === undefined) return [`${file.path} is in no known layer ("${layer}")`];
  const wrong = localImports(file).filter((target) =>
    layerOf(target) !== layer && !allowed.includes(layerOf(target))
  );
  return wrong.map((target) => `${file.path} (${layer}) imports ${target} (${layerOf(target)})`);
}

const PER_RUNTIME = /(^edge\/|^src\/cli\/|\/(native|key_file|\w+\.node)\.ts$)/;
const GLOBALS = /(?:(?<![\w$.#]|\?\.)|\bglobalThis\??\.)(process|Bun|Deno|Buffer)\s*(?:\?\.|\.|\[)/g;

/** Runtime globals and `node:` modules where Web standards alone are allowed. */
export function runtimeGlobals({ path, text }: Source): string[] {
  if (PER_RUNTIME.test(path)) return [];
  const globals = [...codeOnly(text).matchAll(GLOBALS)].map((found) => `${path} uses ${found[1]}`);
  const modules = specifiers(text).filter((name) => /^(node:|bun(:|$)|cloudflare:)/.test(name));
  return [...new Set([...globals, ...modules.map((name) => `${path} imports ${name}`)])];
}

/** Principle 10: past 300 lines a file usually holds two things. */
const MOST_LINES = 400;

/** Only the protocol may be longer: it is read top to bottom. */
export function tooLong({ path, text }: Source): string[] {
  const lines = text.trimEnd().split("\n").length;
  return lines > MOST_LINES && path !== "src/wire/protocol.ts" ? [`${path} has ${lines} lines`] : [];
}

/** Words that promise what is not there. */
export function promises({ path, text }: Source): string[] {
  const words = /\b(TODO|FIXME|XXX|not (?:yet )?implemented)\b/gi;
  return [...text.matchAll(words)].map((found) => `${path} says ${found[0]}`);
}
