import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Seen } from "./seen.ts";

describe("texts that were met before", () => {
  it("are known again, and hardly another one is taken for them", () => {
    const seen = new Seen();
    const texts = Array.from({ length: 20_000 }, (_, i) => `outcome ${i}`);
    const fresh = texts.filter((text) => seen.add(text)).length;
    assert.ok(fresh > 19_900, `${fresh} of 20,000 were told from each other`);
    assert.equal(seen.size, fresh);
    assert.equal(texts.filter((text) => seen.add(text)).length, 0);
  });
});
