import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { Point } from "@noble/ed25519";
import fc from "fast-check";
import { strayPoint as small } from "../../src/identity/point.browser.ts";
import { flawOf, strayPoint } from "../../src/identity/point.ts";

/** Without a ladder: by the curve itself, as runtimes without X25519 do, and as the oracle for the others. */
const slow: typeof strayPoint = (key) => flawOf(key, undefined);
const good = (judge: typeof strayPoint, key: Uint8Array) => judge(key) === undefined;
const reduced = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((key) => key[30] !== 0xff);
const torsion = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text, true));

describe("the points of browsers", () => {
  it("are those of nodes: any 32 bytes are judged alike", () => {
    fc.assert(
      fc.property(reduced, (key) => {
        assert.equal(good(small, key), good(slow, key));
        assert.equal(strayPoint(key), slow(key));
      }),
      { numRuns: 50 },
    );
  });

  it("are those of nodes: good ones, and each with every small one added", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 252n }), (n) => {
        for (const stray of torsion) {
          const key = Point.BASE.multiply(n).add(stray).toBytes();
          assert.equal(good(small, key), stray.is0());
          assert.equal(good(slow, key), stray.is0());
          assert.equal(strayPoint(key), slow(key));
        }
      }),
      { numRuns: 10 },
    );
  });

  it("are those of nodes: none of small order, with either sign bit", () => {
    for (const point of torsion) {
      for (const sign of [0, 0x80]) {
        const key = new Uint8Array(point.toBytes());
        key[31]! ^= sign;
        assert.match(small(key)!, /prime order/);
        assert.match(strayPoint(key)!, /small order/);
      }
    }
  });

  it("are those of nodes: each y of small size, on the curve or on its twist", () => {
    for (let y = 2; y < 34; y++) {
      const key = new Uint8Array(32).fill(y, 0, 1);
      assert.equal(good(small, key), good(slow, key), `y = ${y}`);
      assert.equal(strayPoint(key), slow(key), `y = ${y}`);
    }
  });
});
