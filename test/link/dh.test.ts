import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultDh, dh, generateLinkKey, keyPairOf } from "../../src/link/dh.ts";
import { nativeDh } from "../../src/link/native.ts";
import { nobleDh } from "../../src/link/x25519.ts";
import { hex } from "./hex.ts";

const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
const native = nativeDh(nobleDh);
const dhs = { noble: nobleDh, default: defaultDh, ...native && { native } };

/** All points whose order divides 8, with non-canonical encodings (cr.yp.to/ecdh.html). */
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(hex);

for (const [name, port] of Object.entries(dhs)) {
  describe(`X25519, ${name}`, () => {
    it("RFC 7748 §5.2, both vectors (the second with a set top bit)", () => {
      const first = port.agree(
        hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
      );
      assert.deepEqual(first, hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
      const second = port.agree(
        hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
        hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
      );
      assert.deepEqual(second, hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"));
    });

    it("RFC 7748 §6.1: public keys and the shared secret", () => {
      const alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
      const bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
      const alicePublic = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
      const bobPublic = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
      const shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
      assert.deepEqual(port.publicKey(alice), alicePublic);
      assert.deepEqual(port.publicKey(bob), bobPublic);
      assert.deepEqual(port.agree(alice, bobPublic), shared);
      assert.deepEqual(port.agree(bob, alicePublic), shared);
    });

    it("gives nothing for a point of small order", () => {
      for (const point of SMALL_ORDER) assert.equal(port.agree(new Uint8Array(32).fill(9), point), undefined);
    });

    it("agrees with the pure implementation for any secret and any public key", () => {
      fc.assert(
        fc.property(secret, secret, (mine, theirs) => {
          assert.deepEqual(port.agree(mine, theirs), nobleDh.agree(mine, theirs));
          assert.deepEqual(port.publicKey(mine), nobleDh.publicKey(mine));
        }),
        { numRuns: 30 },
      );
    });
  });
}

describe("link keys", () => {
  it("two fresh ones agree, and are not the same", () => {
    const [mine, yours] = [generateLinkKey(), generateLinkKey()];
    assert.deepEqual(dh(mine.secretKey, yours.publicKey), dh(yours.secretKey, mine.publicKey));
    assert.notDeepEqual(mine.publicKey, yours.publicKey);
  });

  it("come from the randomness that is given", () => {
    const made = generateLinkKey((size) => new Uint8Array(size).fill(5));
    assert.deepEqual(made, keyPairOf(new Uint8Array(32).fill(5)));
  });

  it("a secret of a wrong length is the caller's mistake, a public key of one is a stranger's", () => {
    assert.throws(() => keyPairOf(new Uint8Array(31)), RangeError);
    for (const size of [0, 31, 33]) {
      assert.equal(dh(new Uint8Array(32).fill(1), new Uint8Array(size).fill(9)), undefined);
    }
  });

  it("a runtime that answers small order with zeros instead of an error is used, and gives nothing there", () => {
    const bytesOf = (text: string) =>
      Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    const lenient = {
      createPrivateKey: ({ key }: { key: { d: string } }) => bytesOf(key.d),
      createPublicKey: ({ key }: { key: { x: string } }) => bytesOf(key.x),
      diffieHellman: ({ privateKey, publicKey }: Record<string, Uint8Array>) =>
        nobleDh.agree(privateKey!, publicKey!) ?? new Uint8Array(32),
    };
    const port = nativeDh(nobleDh, lenient as never)!;
    for (const point of SMALL_ORDER) assert.equal(port.agree(new Uint8Array(32).fill(9), point), undefined);
  });

  it("a runtime that agrees on something else is not used", () => {
    const careless = {
      createPrivateKey: () => ({}),
      createPublicKey: () => ({}),
      diffieHellman: () => new Uint8Array(32),
    };
    assert.equal(nativeDh(nobleDh, careless as never), undefined);
  });
});
