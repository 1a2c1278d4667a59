import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Recent } from "../../src/identity/recent.ts";

describe("what was met recently", () => {
  it("is so many keys, and no more", () => {
    const most = 5;
    const calls = fc.array(fc.record({ key: fc.nat(20).map(String), again: fc.boolean() }));
    fc.assert(fc.property(calls, (calls) => {
      const recent = new Recent<string>(most);
      for (const { key, again } of calls) {
        if (again || recent.get(key) === undefined) recent.set(key, key);
      }
      const latest = [...new Set(calls.map(({ key }) => key).reverse())];
      assert.equal(recent.size, Math.min(most, latest.length));
      for (const key of latest.slice(most)) assert.equal(recent.get(key), undefined);
      for (const key of latest.slice(0, most)) assert.equal(recent.get(key), key);
      assert.equal(recent.size, Math.min(most, latest.length));
    }));
  });

  it("takes as much room after ever so many as when it was full first", () => {
    const recent = new Recent<number>(100);
    const sizes = Array.from({ length: 10_000 }, (_, i) => {
      recent.set(String(i), i);
      return recent.size;
    });
    assert.ok(sizes.every((size, i) => size === Math.min(i + 1, 100)));
  });

  it("holds what was set last under one key", () => {
    const recent = new Recent<number>(3);
    for (const value of [1, 2]) recent.set("key", value);
    assert.deepEqual([recent.size, recent.get("key")], [1, 2]);
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
