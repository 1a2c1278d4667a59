import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT, sources, specifiers } from "./source.ts";

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  /** What npm installs where it can; the SDK works without. */
  optionalDependencies: Record<string, string>;
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const npm = read("package.json") as Manifest;
const dependencies = { ...npm.dependencies, ...npm.optionalDependencies };
/** `ws` looks for it, and without it masks byte by byte. On Deno it would ask for permissions, so JSR does not bring it. */
const { bufferutil: _, ...imported } = dependencies;
const jsr = read("deno.json") as {
  version: string;
  imports: Record<string, string>;
  exports: Record<string, string>;
};

describe("the manifests", () => {
  it("name the same version", () => assert.equal(jsr.version, npm.version));

  it("pin the same dependencies exactly", () => {
    const pinned = Object.entries(imported).map(([name, version]) => [name, `npm:${name}@${version}`]);
    assert.deepEqual(jsr.imports, Object.fromEntries(pinned));
    for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  });

  it("list every package that the source imports, and no other; pages are bundled with theirs", () => {
    const bare = sources().filter(({ path }) => !/^src\/\w+\/page\//.test(path)).flatMap(({ text }) =>
      specifiers(text)
    ).filter((name) => /^[@a-z]/.test(name));
    const packages = bare.filter((name) => !/^(node|bun|cloudflare):/.test(name)).map(packageOf);
    assert.deepEqual([...new Set(packages)].sort(), Object.keys(imported).sort());
  });

  it("point at sources that exist", () => {
    const targets = Object.values(npm.exports).flatMap((entry) =>
      typeof entry === "string" ? [] : Object.values(entry)
    );
    const built = [...targets, ...Object.values(npm.bin)].filter((path) => path.includes("dist/"));
    const origins = built.map((path) => path.replace(/^(\.\/)?dist\//, "").replace(/(\.d\.ts|\.js)$/, ".ts"));
    const missing = [...origins, ...Object.values(jsr.exports)].filter((path) =>
      !existsSync(join(ROOT, path))
    );
    assert.deepEqual([...new Set(missing)], []);
  });

  it("make the command a program", () => {
    for (const path of Object.values(npm.bin)) {
      const source = join(ROOT, path.replace("dist/", "").replace(/\.js$/, ".ts"));
      assert.match(readFileSync(source, "utf8"), /^#!\/usr\/bin\/env node\n/);
    }
  });
});

describe("the top level", () => {
  it("holds what a reader looks for, and what tools demand", () => {
    const read = ["README.md", "deno.json", "deploy", "edge", "package.json", "src", "test"];
    const demanded = [
      "LICENSE",
      "dist",
      "node_modules",
      "package-lock.json",
      "tsconfig.build.json",
      "tsconfig.json",
    ];
    const visible = readdirSync(ROOT).filter((name) => !name.startsWith("."));
    assert.deepEqual(visible.filter((name) => ![...read, ...demanded].includes(name)), []);
  });
});

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
