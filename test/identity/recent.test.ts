import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Recent } from "../../src/identity/recent.ts";

describe("what was met recently", () => {
  it("is at least so many keys, and never twice as many", () => {
    const least = 5;
    fc.assert(fc.property(fc.array(fc.nat(30).map(String)), (keys) => {
      const recent = new Recent<string>(least);
      for (const key of keys) recent.get(key) ?? recent.set(key, key);
      const latest = [...new Set(keys.toReversed())];
      for (const key of latest.slice(0, least).reverse()) assert.equal(recent.get(key), key);
      for (const key of latest.slice(2 * least)) assert.equal(recent.get(key), undefined);
    }));
  });

  it("stays for as long as it is asked for", () => {
    const recent = new Recent<number>(3);
    recent.set("old", 1);
    for (let i = 0; i < 100; i++) {
      recent.set(String(i), i);
      if (i % 2 === 0) assert.equal(recent.get("old"), 1);
    }
  });
});
