// deadline: 120 s
import assert from "node:assert/strict";
import process from "node:process";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { skip as noNamespace, within } from "../path/namespace.ts";
import { chromiumPath } from "./chromium.ts";

const skip = chromiumPath === undefined ? "no Chromium here: apt-get install chromium" : noNamespace;
const STAGE = fileURLToPath(new URL("./direct_stage.ts", import.meta.url));

interface Talk {
  path: string;
  why: string;
  echoed: boolean;
}
interface Outcome {
  badges: string[];
  bun: Talk[];
  deno: Talk[];
  complaints: string[];
}

describe("Chromium", { skip }, () => {
  let outcome: Outcome;
  before(() => {
    outcome = within([process.execPath, "--import", "tsx", STAGE], 110_000) as Outcome;
  });

  for (const runtime of ["bun", "deno"] as const) {
    it(`goes direct with a peer on ${runtime}, whoever dials, and large messages arrive whole`, () => {
      for (const talk of outcome[runtime]) {
        assert.equal(talk.path, "direct", JSON.stringify(talk));
        assert.match(talk.why, /^direct: punched in \d+ ms$/);
        assert.equal(talk.echoed, true);
      }
    });
  }

  it("goes direct between two profiles, and the chat shows it to both", () => {
    for (const badge of outcome.badges) assert.match(badge, /^direct · /);
  });

  it("has nothing to complain of", () => assert.deepEqual(outcome.complaints, []));
});
