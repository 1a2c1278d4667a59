/**
 * Bundles the pages that a node serves to browsers into `src/pages/assets.ts`: a module, so
 * that every runtime, single executables and bundlers for the edge carry them along.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

interface Asset {
  type: string;
  text: string;
  /** Strong entity tag (RFC 9110 §8.8.3). */
  etag: string;
}

/** Folder of each page's sources; its files are named after it. */
const PAGES = { chat: "src/chat/page", dashboard: "src/dashboard/page" };

export async function buildPages(root: string): Promise<void> {
  const assets: Record<string, Asset> = {};
  for (const [name, folder] of Object.entries(PAGES)) {
    const path = (end: string) => join(root, folder, `${name}${end}`);
    assets[name] = asset("text/html; charset=utf-8", readFileSync(path(".html"), "utf8"));
    assets[`${name}/${name}.css`] = asset("text/css; charset=utf-8", await bundle(path(".css")));
    assets[`${name}/${name}.js`] = asset("text/javascript; charset=utf-8", await bundle(path("_page.ts")));
  }
  mkdirSync(join(root, "src/pages"), { recursive: true });
  writeFileSync(join(root, "src/pages/assets.ts"), moduleOf(assets));
}

function asset(type: string, text: string): Asset {
  return { type, text, etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"` };
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    write: false,
  });
  return outputFiles[0]!.text;
}

function moduleOf(assets: Record<string, Asset>): string {
  return `// deno-fmt-ignore-file
// Made by test/build_pages.ts from the pages' sources; change those.
/** What a node serves to browsers, by path. \`etag\`: a strong entity tag. */
export const assets: Record<string, { type: string; text: string; etag: string }> = ${JSON.stringify(assets)};
`;
}
