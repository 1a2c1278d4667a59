import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readAliases, resolvePeer, writeAliases } from "../../src/cli/aliases.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { command, type Outcome } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-alias-"));
after(() => rmSync(home, { recursive: true, force: true }));

const waymeet = (...words: string[]): Promise<Outcome> => command(words, { home });
const { id: bob } = await generateIdentity();
const { id: carol } = await generateIdentity();

describe("waymeet alias", () => {
  it("sets, shows, lists, follows and removes names", async () => {
    assert.deepEqual(await waymeet("alias", "bob", bob), { exitCode: 0, output: "", errors: "" });
    await waymeet("alias", "carol", carol);
    await waymeet("alias", "c2", "carol");
    assert.equal((await waymeet("alias", "bob")).output, `bob\t${bob}\n`);
    assert.equal((await waymeet("alias")).output, `bob\t${bob}\nc2\t${carol}\ncarol\t${carol}\n`);
    assert.equal((await waymeet("alias", "--remove", "c2")).exitCode, 0);
    assert.equal(
      (await waymeet("alias", "--json")).output.split("\n")[1],
      JSON.stringify({ event: "alias", name: "carol", peer: carol }),
    );
    const { exitCode, errors } = await waymeet("alias", "--remove", "c2");
    assert.equal(exitCode, 1);
    assert.match(errors, /no alias "c2"/);
  });
  it("works wherever a peer is asked for", async () => {
    await waymeet("alias", "bob", bob);
    const { output } = await waymeet("token", "new", "--peer", "bob");
    assert.equal(JSON.parse(atob(output.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))).sub, bob);
  });
  it("refuses names that could be ids, options or surprises", async () => {
    for (const name of ["a b", "-x", "", "a".repeat(33), "../x", bob]) {
      assert.equal((await waymeet("alias", "--", name, bob)).exitCode, 2, name);
    }
  });
  it("refuses an id with a wrong letter, and names it", async () => {
    const { exitCode, errors } = await waymeet("alias", "dave", `${bob.slice(0, -2)}1${bob.at(-1)}`);
    assert.equal(exitCode, 2);
    assert.match(errors, /"1" at position 51 does not occur in ids/);
  });
});

describe("the alias file", () => {
  it("is replaced whole, and leaves no drafts", async () => {
    const path = join(home, "deep", "aliases.json");
    await Promise.all(Array.from({ length: 20 }, (_, i) => writeAliases(path, new Map([[`n${i}`, bob]]))));
    assert.equal((await readAliases(path)).size, 1);
    assert.deepEqual(readdirSync(join(home, "deep")), ["aliases.json"]);
  });
  it("that is damaged is reported, not overwritten", async () => {
    const path = join(home, "damaged.json");
    for (const text of ["{", "[]", '{"bob": "nonsense"}', '{"bob": 7}', "null"]) {
      writeFileSync(path, text);
      await assert.rejects(readAliases(path), /damaged\.json holds no aliases/);
    }
  });
  it("names what is known to somebody who asks for what is not", () => {
    assert.throws(() => resolvePeer("bop", new Map([["bob", bob]])), /"bop" is neither .*\(known are bob\)/);
    assert.throws(() => resolvePeer(bob.slice(1), new Map()), /52 letters, this has 51/);
    assert.equal(resolvePeer(bob.toUpperCase(), new Map()), bob);
  });
});
