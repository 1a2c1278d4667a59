/**
 * What the SDK costs a page: `npm run bundle` prints it, bundle.test.ts holds it.
 *
 * @module
 */
import { relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

/** One bundle, as a browser gets it: minified, each file compressed by gzip level 9. Bytes. */
export interface Bundle {
  /** What a page loads before the program runs. */
  gzip: number;
  minified: number;
  /** Bytes of `gzip` that the libraries cost together: the bundle without them is so much smaller. */
  libraries: number;
  /** Minified bytes that came from each package and each folder of `src`, largest first. */
  parts: [string, number][];
  /** Every file of which something is left. */
  files: string[];
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
 * between two diets. About 60 kB of it are our own code. Topics, streams or the local path in
 * files of their own would cost more than they save: what they share with the rest becomes a file too,
 * and two files compress worse than one (topics: 2 kB less, 3 kB more).
 */
export const MOST = 69_000;

export async function bundle(program: string): Promise<Bundle> {
  const whole = await run(program, []);
  const own = await run(program, ["@noble/*", "@stablelib/*", "cbor-x", "idb"]);
  const inputs = whole.first.flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    gzip: sum(whole.first),
    minified: whole.first.reduce((total, { bytes }) => total + bytes, 0),
    libraries: sum(whole.first) - sum(own.first),
    parts: sums(inputs.map(([path, { bytesInOutput }]) => [partOf(path), bytesInOutput])),
    files: inputs.map(([path]) => path),
    later: whole.later.map(({ entryPoint, gzip }) => [entryPoint ?? "shared by these", gzip]),
  };
}

type Output = Metafile["outputs"][string] & { gzip: number };

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
  });
  const outputs = new Map(
    outputFiles.map(({ path, contents }): [string, Output] => {
      const name = relative(root, path).replaceAll("\\", "/");
      return [name, { ...metafile.outputs[name]!, gzip: gzipSync(contents, { level: 9 }).length }];
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

function sum(outputs: Output[]): number {
  return outputs.reduce((total, { gzip }) => total + gzip, 0);
}

/** `node_modules/@noble/curves/utils.js` → `@noble/curves`, `src/link/link.ts` → `src/link`. */
function partOf(path: string): string {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return name ?? path.split("/").slice(0, 2).join("/");
}

function sums(entries: [string, number][]): [string, number][] {
  const totals = new Map<string, number>();
  for (const [name, size] of entries) totals.set(name, (totals.get(name) ?? 0) + size);
  return [...totals].sort(([, a], [, b]) => b - a);
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1).padStart(6)} kB`;

function show(title: string, { gzip, minified, libraries, parts, later }: Bundle): string {
  return [
    `${title}:${kB(gzip)} min+gzip (own${kB(gzip - libraries)}, libraries${kB(libraries)}),${
      kB(minified)
    } minified, of it`,
    ...parts.map(([name, size]) => `${kB(size)}  ${name}`),
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
