// runtimes: node
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { bundle, MOST, PEER } from "./bundle.ts";
import { pieces } from "./origins.ts";

const root = new URL("../../", import.meta.url);

describe("the SDK in a page", () => {
  it(`is at most ${MOST / 1000} kB, minified and compressed`, async () => {
    const { gzip, libraries } = await bundle(PEER);
    assert.ok(gzip <= MOST, `${gzip} bytes, ${libraries} of them libraries: see npm run bundle`);
  });

  it("carries nothing of nodes, key files, PEM, safety words and the libraries of servers", async () => {
    const { files } = await bundle(PEER);
    assert.ok(files.includes("src/peer/peer.ts") && files.includes("src/path/rtc_web.ts"));
    const strangers =
      /^src\/(mesh|rendezvous|stun|cli|pages)\/|mesh_frames|accept|key_file|pem|words|cbor-x|edwards|pure_ed25519|sha512|@opentelemetry|@logtape/;
    assert.deepEqual(files.filter((path) => strangers.test(path)), []);
  });

  it("loads ed25519 in plain JavaScript only where WebCrypto has none", async () => {
    const { later } = await bundle(PEER);
    assert.ok(later.some(([name]) => name === "src/identity/pure_ed25519.ts"));
  });

  it("has each library once", async () => {
    const { files } = await bundle(PEER);
    const copies = files.filter((path) => path.lastIndexOf("node_modules/") > 0);
    assert.deepEqual(copies, []);
  });

  it("tells what each part costs: all together nearly everything, each of them something", async () => {
    const { gzip, shares } = await bundle(PEER);
    const [[, all]] = shares(() => "all") as [[string, number]];
    assert.ok(all <= gzip && all > 0.99 * gzip, `${all} of ${gzip}`);
    const parts = shares((path) => path.split("/", 2).join("/"));
    assert.ok(parts.every(([, share]) => share > 0 && share < gzip));
  });

  it("traces each piece of a bundle to its file by the source map", () => {
    assert.deepEqual(pieces("ab\n\nxcd", "AAAA,CCAA;;CDAA,CCAA"), [
      { source: 0, text: "a" },
      { source: 1, text: "b" },
      { source: -1, text: "\n" },
      { source: -1, text: "\n" },
      { source: -1, text: "x" },
      { source: 0, text: "c" },
      { source: 1, text: "d" },
    ]);
  });

  it("replaces the same files whether a bundler reads our sources or what npm has", () => {
    const { browser } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
      browser: Record<string, string>;
    };
    const source = (path: string) => path.replace("/dist/", "/").replace(/\.js$/, ".ts");
    const pairs = Object.entries(browser).map(([from, to]) => [source(from), source(to)].join(" → "));
    const twice = new Set(pairs);
    assert.equal(pairs.length, 2 * twice.size);
    for (const pair of twice) {
      for (const path of pair.split(" → ")) assert.ok(existsSync(new URL(path, root)), path);
    }
  });
});
