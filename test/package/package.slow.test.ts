// deadline: 900 s
import { build } from "esbuild";
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waymeet-package-"));
  await succeed(ROOT, "npm", "pack", "--pack-destination", folder);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package, in an empty project", () => {
  it("says hello on Node, with types", async () => {
    const home = project(join(folder, "node"), {
      "hello.ts": HELLO,
      "tsconfig.json": { compilerOptions: FOR_NODE, files: ["hello.ts"] },
    });
    await succeed(home, "npm", "install", "--prefer-offline", tarball, "@types/node@20");
    await succeed(home, ...tsc, "--noEmit");
    await succeed(home, ...tsc);
    assert.match(await succeed(home, process.execPath, "hello.js"), GREETING);
  });

  it("brings a command that Node runs", async () => {
    const home = project(join(folder, "command"), {});
    await succeed(home, "npm", "install", "--prefer-offline", tarball);
    assert.match(await succeed(home, "npx", "--no-install", "waymeet", "--help"), /\bserve\b/);
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
    const home = project(join(folder, "deno"), {
      "hello.ts": HELLO,
      "deno.json": { nodeModulesDir: "manual", lock: false },
    });
    await succeed(home, "npm", "install", "--prefer-offline", tarball, "@types/node@20");
    await succeed(home, program("deno"), "check", "hello.ts");
    assert.match(await succeed(home, program("deno"), "run", "-A", "hello.ts"), GREETING);
  });

  it("goes into a page through Vite, with types that need nothing of Node", async () => {
    const home = project(join(folder, "vite"), {
      "index.html": '<!doctype html><script type="module" src="./page.ts"></script>',
      "page.ts": PAGE,
      "tsconfig.json": { compilerOptions: { ...FOR_BUNDLER, noEmit: true }, files: ["page.ts"] },
    });
    await succeed(home, "npm", "install", "--prefer-offline", tarball, "vite@7");
    await succeed(home, ...tsc);
    const output = await succeed(home, "npx", "--no-install", "vite", "build", "--target", "es2022");
    assert.doesNotMatch(output, /externalized for browser compatibility/);
  });

  it("goes into a page through esbuild without the WebSocket client of Node", async () => {
    const home = project(join(folder, "esbuild"), { "page.ts": PAGE });
    await succeed(home, "npm", "install", "--prefer-offline", tarball);
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
