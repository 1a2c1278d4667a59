import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decode, type Value } from "../../src/wire/cbor.ts";
import { Kind } from "../../src/wire/protocol.ts";
import { parseCddl } from "./cddl.ts";
import { fromJson, unhex } from "./notation.ts";
import { readCddl, readVectors } from "./vectors.ts";

const cddl = readCddl();
const rules = parseCddl(cddl);
const vectors = readVectors();

function matches(rule: string, bytes: Uint8Array): boolean {
  const match = rules.get(rule);
  assert.ok(match, `waymeet.cddl has no rule ${rule}`);
  const value = decode(bytes, 8);
  return value !== undefined && match(value);
}

describe("waymeet.cddl", () => {
  for (const [camel, kind] of Object.entries(Kind)) {
    const name = camel.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    it(`has a rule ${name} for kind ${kind}, which a vector satisfies`, () => {
      const samples = [...vectors.control, ...vectors.data, ...vectors.forward].map(({ hex }) => unhex(hex));
      const own = samples.filter((bytes) => (decode(bytes) as Value[])[0] === kind);
      assert.ok(own.length > 0, "vectors.json has no frame of this kind");
      for (const bytes of own) assert.ok(matches(name, bytes));
      const others = samples.filter((bytes) => !own.includes(bytes));
      for (const bytes of others) assert.ok(!matches(name, bytes));
    });
  }

  it("leaves no kind of protocol.ts to the rule for unknown kinds", () => {
    const known = Math.max(...Object.values(Kind));
    assert.ok(cddl.includes(`unknown = [${known + 1}..`));
  });

  it("accepts what a later version adds", () => {
    for (const { name, hex } of vectors.extended) assert.ok(matches("frame", unhex(hex)), name);
  });

  it("refuses what the code refuses", () => {
    for (const { why, hex } of vectors.invalid.frame) assert.ok(!matches("frame", unhex(hex)), why);
  });

  it("describes what is signed", () => {
    const record = fromJson(vectors.record);
    assert.ok(matches("record-signed", record.signed));
    assert.ok(matches("edges-signed", fromJson(vectors.edges).signed));
    for (const transcript of vectors.transcripts.map(fromJson)) {
      assert.ok(matches("auth-signed", transcript.authSigned));
      assert.ok(matches("welcome-signed", transcript.welcomeSigned));
    }
  });
});
