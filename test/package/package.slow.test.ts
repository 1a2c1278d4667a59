// deadline: 900 s
// cores: 1
import { build } from "esbuild";
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../architecture/source.ts";
import { runtimes } from "../runtimes.ts";
import { FOR_BUNDLER, FOR_NODE, GREETING, HELLO, PAGE, project, succeed } from "./projects.ts";

const program = (name: string): string => runtimes().find((runtime) => runtime.name === name)!.program;
const tool = (path: string): string[] => [process.execPath, join(ROOT, "node_modules", path)];
const tsc = tool("typescript/bin/tsc");

let folder: string;
let tarball: string;

/** Packing builds anew: in a copy, since other tests run what is built here. */
function copySource(): string {
  const source = join(folder, "source");
  const out = ["node_modules", "dist", ".git", ".cache"];
  cpSync(ROOT, source, { recursive: true, filter: (path) => !out.includes(basename(path)) });
  symlinkSync(join(ROOT, "node_modules"), join(source, "node_modules"));
  return source;
}

/** A project into which the tarball is installed, with `more`; others may have the same packages. */
async function installed(name: string, ...more: string[]): Promise<string> {
  const home = project(join(folder, name), {});
  await succeed(home, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball, ...more);
  return home;
}

/** A project with packages that were installed for another. */
function projectWith(packages: string, name: string, files: Record<string, unknown>): string {
  const home = project(join(folder, name), files);
  symlinkSync(join(packages, "node_modules"), join(home, "node_modules"));
  return home;
}

/** Where the package is beside types of Node, and where it is beside Vite and no such types. */
let forNode: string;
let forPages: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waymeet-package-"));
  await succeed(copySource(), "npm", "pack", "--pack-destination", folder);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  forNode = await installed("for-node", "@types/node@20");
  forPages = await installed("for-pages", "vite@7");
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package, in an empty project", () => {
  it("says hello on Node, with types", async () => {
    const home = projectWith(forNode, "node", {
      "hello.ts": HELLO,
      "tsconfig.json": { compilerOptions: FOR_NODE, files: ["hello.ts"] },
    });
    await succeed(home, ...tsc);
    assert.match(await succeed(home, process.execPath, "hello.js"), GREETING);
  });

  it("brings a command that Node runs", async () => {
    assert.match(await succeed(forNode, "npx", "--no-install", "waymeet", "--help"), /\bserve\b/);
  });

  it("says hello on Bun, with types", async () => {
    const home = project(join(folder, "bun"), {
      "hello.ts": HELLO,
      "tsconfig.json": { compilerOptions: { ...FOR_NODE, noEmit: true }, files: ["hello.ts"] },
    });
    await succeed(home, program("bun"), "add", tarball, "@types/node@20");
    await succeed(home, ...tsc);
    assert.match(await succeed(home, program("bun"), "hello.ts"), GREETING);
  });

  it("says hello on Deno, with types", async () => {
    const home = projectWith(forNode, "deno", {
      "hello.ts": HELLO,
      "deno.json": { nodeModulesDir: "manual", lock: false },
    });
    await succeed(home, program("deno"), "check", "hello.ts");
    assert.match(await succeed(home, program("deno"), "run", "-A", "hello.ts"), GREETING);
  });

  it("goes into a page through Vite, with types that need nothing of Node", async () => {
    const home = projectWith(forPages, "vite", {
      "index.html": '<!doctype html><script type="module" src="./page.ts"></script>',
      "page.ts": PAGE,
      "tsconfig.json": { compilerOptions: { ...FOR_BUNDLER, noEmit: true }, files: ["page.ts"] },
    });
    await succeed(home, ...tsc);
    const output = await succeed(home, "npx", "--no-install", "vite", "build", "--target", "es2022");
    assert.doesNotMatch(output, /externalized for browser compatibility/);
  });

  it("goes into a page through esbuild without the WebSocket client of Node", async () => {
    const home = projectWith(forPages, "esbuild", { "page.ts": PAGE });
    const { metafile } = await build({
      absWorkingDir: home,
      entryPoints: ["page.ts"],
      bundle: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      write: false,
    });
    const strange = Object.keys(metafile.inputs).filter((path) =>
      /node_modules\/(ws|@hono|commander)\//.test(path)
    );
    assert.deepEqual(strange, []);
  });
});

describe("the package", () => {
  it("is clean for publint", async () => {
    await succeed(ROOT, ...tool("publint/src/cli.js"), "run", tarball, "--strict");
  });

  it("has types for every resolution that knows ESM (attw)", async () => {
    await succeed(ROOT, ...tool("@arethetypeswrong/cli/dist/index.js"), tarball, "--profile", "esm-only");
  });

  it("is accepted by JSR, dry run", async () => {
    await succeed(ROOT, program("deno"), "publish", "--dry-run", "--allow-dirty");
  });
});
