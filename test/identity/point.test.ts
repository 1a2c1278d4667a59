import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { Point } from "@noble/ed25519";
import fc from "fast-check";
import { decodePoint as small } from "../../src/identity/point.browser.ts";
import { decodePoint } from "../../src/identity/point.ts";
import { unhex } from "./bytes.ts";

const judged = (decode: typeof decodePoint, key: Uint8Array) => decode(key)?.isTorsionFree();
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const torsion = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text, true));

describe("the points of browsers", () => {
  it("are those of nodes: any 32 bytes are judged alike", () => {
    fc.assert(fc.property(key, (key) => assert.equal(judged(small, key), judged(decodePoint, key))));
  });

  it("are those of nodes: good ones, and each with every small one added", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 252n }), (n) => {
        for (const stray of torsion) {
          const key = Point.BASE.multiply(n).add(stray).toBytes();
          assert.equal(judged(small, key), stray.is0());
          assert.equal(judged(decodePoint, key), stray.is0());
        }
      }),
      { numRuns: 10 },
    );
  });

  it("are those of nodes: small order, and y ≥ p", () => {
    const last = (byte: string) => unhex(byte + "ff".repeat(30) + "7f");
    const keys = [...torsion.map((point) => point.toBytes()), last("ed"), last("ee"), last("ff")];
    for (const key of keys) assert.equal(judged(small, key), judged(decodePoint, key));
  });
});
