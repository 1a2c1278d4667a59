import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readNumbered, Tally, writeNumbered } from "./ledger.ts";

function tallyOf(...numbers: number[]) {
  const tally = new Tally();
  for (const number of numbers) tally.took({ number, sentAt: number * 10 }, number * 10 + 3);
  return tally;
}

describe("the ledger of a chaos run", () => {
  it("counts what is missing, came twice, and came late", () => {
    const { account } = tallyOf(1, 2, 5, 4, 5, 5, 7);
    assert.deepEqual(account, { received: 7, duplicated: 2, reordered: 1, highest: 7, missing: 2 });
  });

  it("says when the first message arrived that was sent after a moment, and the longest gap", () => {
    assert.deepEqual(tallyOf(1, 2, 3, 9).since(25, 95), { after: 8, gap: 60 });
    assert.deepEqual(tallyOf(1, 2).since(25, 95), { gap: 70 });
  });

  it("finds a number and its time in a message of any size", () => {
    const numbered = { number: 4_000_000_000, sentAt: 1_800_000_000_000.5 };
    assert.deepEqual(readNumbered(writeNumbered(numbered, 64)), numbered);
  });
});
