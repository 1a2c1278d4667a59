// runtimes: node
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { layerOf, promises, runtimeGlobals, tooLong, wrongImports } from "./rules.ts";
import { codeOnly, findCycle, ROOT, sources, specifiers } from "./source.ts";

const files = sources();

describe("the source", () => {
  it("imports only downwards, and peer and rendezvous never each other", () => {
    assert.deepEqual(files.flatMap(wrongImports), []);
  });
  it("has no cycle of imports, types included", () => {
    assert.equal(findCycle(files)?.join(" → "), undefined);
  });
  it("knows Web standards alone, outside of the per-runtime files", () => {
    assert.deepEqual(files.flatMap(runtimeGlobals), []);
  });
  it("has no file of more than 400 lines but the protocol", () => {
    assert.deepEqual(files.flatMap(tooLong), []);
  });
  it("promises nothing for later", () => {
    assert.deepEqual(files.flatMap(promises), []);
  });
});

describe("reading of imports", () => {
  const found = (text: string): string[] => specifiers(text);

  it("finds every form of import and export", () => {
    assert.deepEqual(found('import "./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found('import a, { b } from "./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found('import{b}from"./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found('import type {\n  A,\n  B,\n} from "./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found("import * as a from './a.ts';"), ["./a.ts"]);
    assert.deepEqual(found('export * from "./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found('export { a, type B } from "./a.ts";'), ["./a.ts"]);
    assert.deepEqual(found('const a = await import("./a.ts");'), ["./a.ts"]);
    assert.deepEqual(found('import { a } from "./a.ts";\nimport { b } from "./b.ts";'), ["./a.ts", "./b.ts"]);
  });
  it("is not deceived by comments, strings and other code", () => {
    assert.deepEqual(found('// import "./a.ts";\n/* export * from "./b.ts" */'), []);
    assert.deepEqual(found(' * import { Peer } from "waymeet";'.replace(/^/, "/**\n").concat("\n */")), []);
    assert.deepEqual(found('export const a = "x";\nexport function from(b = "./c.ts") {}'), []);
    assert.deepEqual(found('const url = "http://a"; import("./a.ts");'), ["./a.ts"]);
  });
  it("keeps code and drops strings", () => {
    assert.equal(codeOnly('a("process.env"); // Deno.exit').trim(), 'a("");');
    assert.match(codeOnly("`at ${process.pid}`"), /process\.pid/);
  });
});

describe("the rules", () => {
  const file = (path: string, text: string): { path: string; text: string } => ({ path, text });

  it("name the layer of a file", () => {
    assert.equal(layerOf("src/link/noise.ts"), "link");
    assert.equal(layerOf("src/mod.node.ts"), "sdk");
    assert.equal(layerOf("edge/bun.ts"), "edge");
  });
  it("refuse an import that points up, sideways or nowhere", () => {
    const wrong = (path: string, target: string): number => {
      return wrongImports(file(path, `import { a } from "${target}";`)).length;
    };
    assert.equal(wrong("src/wire/a.ts", "../session/b.ts"), 1);
    assert.equal(wrong("src/peer/a.ts", "../rendezvous/b.ts"), 1);
    assert.equal(wrong("src/rendezvous/a.ts", "../peer/b.ts"), 1);
    assert.equal(wrong("src/link/a.ts", "../mesh/b.ts"), 1);
    assert.equal(wrong("edge/bun.ts", "../src/peer/b.ts"), 1);
    assert.equal(wrong("src/peer/a.ts", "../mod.ts"), 1);
    assert.equal(wrong("src/session/a.ts", "../wire/b.ts"), 0);
    assert.equal(wrong("src/session/a.ts", "./b.ts"), 0);
    assert.equal(wrong("src/cli/a.ts", "../../edge/node.ts"), 0);
    assert.equal(wrongImports(file("src/sundries/a.ts", "")).length, 1);
  });
  it("find a cycle and its way round", () => {
    const round = [
      file("src/a/a.ts", 'import "./b.ts";'),
      file("src/a/b.ts", 'import type { C } from "../c/c.ts";'),
      file("src/c/c.ts", 'export * from "../a/a.ts";'),
    ];
    assert.deepEqual(findCycle(round), ["src/a/a.ts", "src/a/b.ts", "src/c/c.ts", "src/a/a.ts"]);
    assert.equal(findCycle(round.slice(0, 2)), undefined);
  });
  it("find runtime globals, but not words that look like them", () => {
    const uses = (text: string): number => runtimeGlobals(file("src/link/a.ts", text)).length;
    assert.equal(uses("process.exit(1);"), 1);
    assert.equal(uses("globalThis.Deno?.version"), 1);
    assert.equal(uses("Buffer.from([])"), 1);
    assert.equal(uses('import { readFile } from "node:fs/promises";'), 1);
    assert.equal(uses("this.process.next(); in_process.x; // Bun.serve"), 0);
    assert.equal(runtimeGlobals(file("edge/bun.ts", "Bun.serve({})")).length, 0);
    assert.equal(runtimeGlobals(file("src/identity/key_file.ts", 'import "node:fs";')).length, 0);
  });
  it("find long files and empty promises", () => {
    assert.equal(tooLong(file("src/link/a.ts", "x\n".repeat(401))).length, 1);
    assert.equal(tooLong(file("src/link/a.ts", "x\n".repeat(400))).length, 0);
    assert.equal(tooLong(file("src/wire/protocol.ts", "x\n".repeat(900))).length, 0);
    assert.equal(promises(file("src/link/a.ts", "// TODO: later")).length, 1);
    assert.equal(promises(file("src/link/a.ts", 'throw new Error("not implemented")')).length, 1);
  });
});

describe("the tests", () => {
  it("keep their hooks within a suite: on Node many files share a process", () => {
    const files = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" });
    const loose = files.filter((path) => path.endsWith(".test.ts")).filter((path) =>
      /^(before|after)Each\(/m.test(readFileSync(join(ROOT, "test", path), "utf8"))
    );
    assert.deepEqual(loose, []);
  });
});
