import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { equalInConstantTime } from "../../src/identity/constant_time.ts";

/** Counts the bytes that are looked at. */
function watched(bytes: Uint8Array): { bytes: Uint8Array; reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(bytes, {
    get(target, name) {
      if (typeof name === "string" && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name, target);
    },
  });
  return { bytes: proxy, reads: () => reads };
}

describe("secrets", () => {
  it("are equal when all their bytes are, and only then", () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(fc.property(bytes, bytes, (a, b) => {
      assert.equal(equalInConstantTime(a, b), `${a}` === `${b}` && a.length === b.length);
      assert(equalInConstantTime(a, a.slice()));
    }));
  });

  it("are compared to the end, wherever they differ", () => {
    const secret = new Uint8Array(32).fill(7);
    for (let at = 0; at < 32; at++) {
      const [own, guess] = [watched(secret), watched(secret.with(at, 8))];
      assert.equal(equalInConstantTime(own.bytes, guess.bytes), false);
      assert.deepEqual([own.reads(), guess.reads()], [32, 32]);
    }
  });
});
