import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as limits from "../../src/wire/limits.ts";
import { Domain, Kind, Reason, SUBPROTOCOL } from "../../src/wire/protocol.ts";
import { reasonName } from "../../src/wire/reason.ts";
import { readVectors } from "./vectors.ts";

const page = readFileSync(new URL("../../src/wire/README.md", import.meta.url), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
);
/** Limits of a node's own memory: another implementation chooses its own. */
const LOCAL = ["MAX_CORRESPONDENTS", "MAX_SESSIONS", "MAX_HANDSHAKES"];

describe("the protocol's page", () => {
  it("tells every limit with its value", () => {
    const told = rows.filter(([name]) => /^`[A-Z_]+`$/.test(name!)).map((
      [name, value],
    ) => [name!.slice(1, -1), Number(value)]);
    const actual = Object.entries(limits).filter(([name]) => !LOCAL.includes(name));
    assert.deepEqual(Object.fromEntries(told), Object.fromEntries(actual));
  });

  it("tells every reason with its name", () => {
    const told = rows.filter(([code, name]) => /^\d+$/.test(code!) && /^`[a-z-]+`$/.test(name!));
    const actual = Object.values(Reason).map((code) => [String(code), `\`${reasonName(code)}\``]);
    assert.deepEqual(told.map(([code, name]) => [code, name]), actual);
  });

  it("tells every kind with its frame", () => {
    for (const [name, kind] of Object.entries(Kind)) {
      const told = rows.some(([code, frame]) =>
        code === String(kind) && frame!.startsWith(`\`[${kind}, `) && frame!.endsWith(` ${name}`)
      );
      assert.ok(told, name);
    }
  });

  it("tells the subprotocol and the domains of its signatures", () => {
    assert.ok(page.includes(SUBPROTOCOL));
    const { link: _, ...domains } = Domain;
    for (const domain of Object.values(domains)) assert.ok(page.includes(`"${domain}"`), domain);
  });

  it("shows a data frame that is in the vectors", () => {
    const shown = /^83 00 58 20 [0-9a-f ]+$/m.exec(page)![0].replaceAll(" ", "");
    assert.ok(readVectors().data.some(({ hex }) => hex === shown));
  });
});
