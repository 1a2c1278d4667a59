import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { getLogger, reset } from "@logtape/logtape";
import { configureLog } from "../../src/cli/log.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** A forged line, a cleared screen (ESC and C1), text turned around, a line separator, and a hidden tag. */
const HOSTILE = "a\n2026-01-01T00:00:00Z [ERR] forged\r\x1b[2J\x9b2J\u202eb\u2028c\u{e0041}d";

async function written(format: "text" | "json"): Promise<string> {
  let errors = "";
  const terminal = { errors: { isTerminal: true, write: (text: string) => void (errors += text) } };
  await configureLog(terminal as unknown as Terminal, { logLevel: "info", logFormat: format });
  const log = getLogger(["waymeet", "node"]);
  log.info("refused {peer}: {error}", {
    peer: HOSTILE,
    error: new Error(HOSTILE),
    nested: { list: [HOSTILE] },
  });
  log.debug("not at this level");
  return errors;
}

describe("a log line", () => {
  afterEach(reset);

  for (const format of ["text", "json"] as const) {
    it(`as ${format} is one line of visible characters, whatever strangers wrote into it`, async () => {
      const text = await written(format);
      assert.equal(text.split("\n").length, 2);
      assert.ok(text.endsWith("\n"));
      assert.doesNotMatch(text.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.match(text, /forged/);
    });
  }

  it("as json is read back as it was", async () => {
    const { properties, level, logger } = JSON.parse(await written("json"));
    assert.deepEqual([level, logger, properties.peer, properties.nested.list], [
      "INFO",
      "waymeet.node",
      HOSTILE,
      [
        HOSTILE,
      ],
    ]);
  });

  it("is json with --json unless the format is named", async () => {
    let errors = "";
    const terminal = { errors: { isTerminal: true, write: (text: string) => void (errors += text) } };
    await configureLog(terminal as unknown as Terminal, { logLevel: "info", json: true });
    getLogger(["waymeet"]).info("one");
    await configureLog(terminal as unknown as Terminal, { logLevel: "info", json: true, logFormat: "text" });
    getLogger(["waymeet"]).info("two");
    assert.match(errors, /^\{.*\}\n[^{]*two\n$/);
  });
});
