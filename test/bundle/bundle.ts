/**
 * What the SDK costs a page: `npm run bundle` prints it, bundle.test.ts holds it.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

/** One bundle, as a browser gets it: minified, gzip level 9. Bytes. */
export interface Bundle {
  gzip: number;
  minified: number;
  /** Bytes of `gzip` that the libraries cost together: the bundle without them is so much smaller. */
  libraries: number;
  /** Minified bytes that came from each package and each folder of `src`, largest first. */
  parts: [string, number][];
  /** Every file of which something is left. */
  files: string[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const SDK = "./src/mod.ts";

/** A program that uses `Peer` and nothing else. */
export const PEER: string = `export { Peer } from "${SDK}"`;
/** A program from which nothing can be shaken off. */
export const EVERYTHING: string = `export * from "${SDK}"`;

export async function bundle(program: string): Promise<Bundle> {
  const whole = await run(program, []);
  const own = await run(program, ["@noble/*", "cbor-x", "idb"]);
  const inputs = Object.entries(Object.values(whole.metafile.outputs)[0]!.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    gzip: whole.gzip,
    minified: whole.minified,
    libraries: whole.gzip - own.gzip,
    parts: sums(inputs.map(([path, { bytesInOutput }]) => [partOf(path), bytesInOutput])),
    files: inputs.map(([path]) => path),
  };
}

async function run(
  program: string,
  external: string[],
): Promise<{ metafile: Metafile; gzip: number; minified: number }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: root, sourcefile: "program" },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    external,
    metafile: true,
    write: false,
  });
  const { contents } = outputFiles[0]!;
  return { metafile, minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
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

function show(title: string, { gzip, minified, libraries, parts }: Bundle): string {
  return [
    `${title}:${kB(gzip)} min+gzip (own${kB(gzip - libraries)}, libraries${kB(libraries)}),${
      kB(minified)
    } minified, of it`,
    ...parts.map(([name, size]) => `${kB(size)}  ${name}`),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(show("Peer", await bundle(PEER)));
  console.log(show("everything", await bundle(EVERYTHING)));
}
