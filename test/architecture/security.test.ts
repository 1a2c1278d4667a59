import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

const table = new URL("../../src/SECURITY.md", import.meta.url);
const rows = readFileSync(table, "utf8").split("\n").filter((line) => /^\| \S/.test(line)).slice(2);

/** `[link/epoch](../test/link/epoch.test.ts): the name of a test`, one behind the other. */
function testsOf(row: string): { path: URL; name: string }[] {
  const cell = row.split(" | ").at(-1)!.replace(/ *\|$/, "");
  return cell.split("<br>").map((text) => {
    const [, path, name] = /^\[[^\]]+\]\((\.\.\/test\/[^)]+)\): (.+?) *$/.exec(text) ?? [];
    assert(path !== undefined && name !== undefined, `no link to a test: ${text}`);
    return { path: new URL(path, table), name };
  });
}

describe("the threat table", () => {
  it("names in each row tests that exist", () => {
    assert(rows.length > 40);
    for (const row of rows) {
      assert.equal(row.split(" | ").length, 4, row);
      for (const { path, name } of testsOf(row)) {
        assert(existsSync(path), `${path} is not there`);
        assert(readFileSync(path, "utf8").includes(name), `${path} has no test "${name}"`);
      }
    }
  });

  it("knows every sort of attacker", () => {
    const attackers = new Set(rows.map((row) => row.split(" | ")[0]!.replace("| ", "").trim()));
    assert.deepEqual([...attackers].sort(), ["network", "node", "peer", "stranger", "supplier", "web page"]);
  });
});
