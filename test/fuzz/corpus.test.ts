import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededDice } from "../dice.ts";
import { corpora, readCorpus } from "./corpus.ts";
import { endOf, trial } from "./trial.ts";
import { targets } from "./targets.ts";

describe("what fuzzing found, and a sample of what it tried", () => {
  it("belongs to a target that there is", () => {
    for (const name of corpora()) assert(name in targets, name);
  });

  for (const [name, target] of Object.entries(targets)) {
    it(`no longer breaks ${name}`, async () => {
      const world = await target.begin();
      const kept = [...readCorpus(target.name), {
        name: "by the grammar",
        input: await target.generate(seededDice(1)),
      }];
      for (const { name, input } of kept) {
        const { finding } = await trial(world, input);
        assert.equal(finding, undefined, `${name}: ${finding?.kind} ${finding?.what}`);
      }
      assert.equal(await endOf(world), undefined);
    });
  }
});
