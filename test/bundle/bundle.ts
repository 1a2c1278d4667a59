/**
 * What the SDK costs a page: `npm run bundle` prints it, with `-- --files` for each file, and
 * bundle.test.ts holds it.
 *
 * @module
 */
import { dirname, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { pieces } from "./origins.ts";

/** One bundle, as a browser gets it: minified, each file compressed by gzip level 9. Bytes. */
export interface Bundle {
  /** What a page loads before the program runs. */
  gzip: number;
  minified: number;
  /** Bytes of `gzip` that the libraries cost together: the bundle without them is so much smaller. */
  libraries: number;
  /** Every file of which something is left. */
  files: string[];
  /**
   * By how many bytes `gzip` is less without each group of files, largest first. Together they are less
   * than `gzip`, for files share words.
   */
  shares(groupOf: (path: string) => string): [string, number][];
  /** Compressed bytes of what is loaded only when it is used, by the module that is then imported. */
  later: [string, number][];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const SDK = "./src/mod.ts";

/** A program that uses `Peer` and nothing else. */
export const PEER: string = `export { Peer } from "${SDK}"`;
/** A program from which nothing can be shaken off. */
export const EVERYTHING: string = `export * from "${SDK}"`;

/**
 * Most bytes of min+gzip for a program that uses `Peer`: what was reached, and 1 % for the days
 * between two diets. About 60 kB of it are our own code. Topics in a file of their own cost more than
 * they save (3 kB for 2): what they share with the rest becomes a file too, and files are compressed
 * each by itself.
 */
export const MOST = 70_000;

export async function bundle(program: string): Promise<Bundle> {
  const whole = await run(program, []);
  const own = await run(program, ["@noble/*", "@stablelib/*", "cbor-x", "idb"]);
  return {
    gzip: sum(whole.first),
    minified: whole.first.reduce((total, { bytes }) => total + bytes, 0),
    libraries: sum(whole.first) - sum(own.first),
    files: whole.first.flatMap(({ inputs }) => Object.entries(inputs))
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
    shares: (groupOf) => shares(whole.first, groupOf),
    later: whole.later.map(({ entryPoint, gzip }) => [entryPoint ?? "shared by these", gzip]),
  };
}

type Output = Metafile["outputs"][string] & { gzip: number; pieces: { path: string; text: string }[] };

/** The files that the program's own imports reach, and those that it may import later. */
async function run(program: string, external: string[]): Promise<{ first: Output[]; later: Output[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: root, sourcefile: "program" },
    absWorkingDir: root,
    outdir: "out",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    external,
    metafile: true,
    write: false,
    sourcemap: "external",
  });
  const outputs = new Map(
    outputFiles.filter(({ path }) => path.endsWith(".js")).map(({ path, text }): [string, Output] => {
      const name = relative(root, path).replaceAll("\\", "/");
      const map = JSON.parse(outputFiles.find((file) => file.path === `${path}.map`)!.text) as SourceMap;
      return [name, {
        ...metafile.outputs[name]!,
        gzip: packed(text),
        pieces: origins(text, map, dirname(path)),
      }];
    }),
  );
  const reached = new Set<Output>();
  const reach = (output: Output | undefined): void => {
    if (!output || reached.has(output)) return;
    reached.add(output);
    for (const { kind, path } of output.imports) if (kind === "import-statement") reach(outputs.get(path));
  };
  const all = [...outputs.values()];
  reach(all.find(({ entryPoint }) => entryPoint === "program"));
  return { first: [...reached], later: all.filter((output) => !reached.has(output)) };
}

interface SourceMap {
  sources: string[];
  mappings: string;
}

/** `folder`: where the map lies, from which its paths lead. */
function origins(text: string, { sources, mappings }: SourceMap, folder: string): Output["pieces"] {
  const paths = sources.map((path) => relative(root, resolve(folder, path)).replaceAll("\\", "/"));
  return pieces(text, mappings).map(({ source, text }) => ({ path: paths[source] ?? "", text }));
}

const packed = (text: string): number => gzipSync(text, { level: 9 }).length;

function shares(outputs: Output[], groupOf: (path: string) => string): [string, number][] {
  const paths = new Set(outputs.flatMap(({ pieces }) => pieces.map(({ path }) => path)));
  paths.delete(""); // the bundler's own
  const groups = [...new Set([...paths].map(groupOf))];
  const without = (group: string) => (total: number, { pieces }: Output) =>
    total + packed(pieces.filter(({ path }) => groupOf(path) !== group).map(({ text }) => text).join(""));
  const share = (group: string) => sum(outputs) - outputs.reduce(without(group), 0);
  return groups.map((group): [string, number] => [group, share(group)]).sort(([, a], [, b]) => b - a);
}

function sum(outputs: Output[]): number {
  return outputs.reduce((total, { gzip }) => total + gzip, 0);
}

/** `node_modules/@noble/curves/utils.js` → `@noble/curves`, `src/link/link.ts` → `src/link`. */
function partOf(path: string): string {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return name ?? path.split("/").slice(0, 2).join("/");
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1).padStart(6)} kB`;

function show(title: string, { gzip, minified, libraries, shares, later }: Bundle): string {
  return [
    `${title}:${kB(gzip)} min+gzip (own${kB(gzip - libraries)}, libraries${kB(libraries)}),${
      kB(minified)
    } minified; min+gzip less without`,
    ...shares(process.argv.includes("--files") ? (path) => path : partOf).map(([name, size]) =>
      `${kB(size)}  ${name}`
    ),
    "  on demand, min+gzip",
    ...later.map(([name, size]) => `${kB(size)}  ${name}`),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const peer = await bundle(PEER);
  console.log(show("Peer", peer));
  console.log(show("everything", await bundle(EVERYTHING)));
  if (peer.gzip > MOST) {
    console.error(`Peer is above its bound of ${MOST / 1000} kB`);
    process.exitCode = 1;
  }
}
