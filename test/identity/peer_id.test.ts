import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Point } from "@noble/ed25519";
import {
  comparePeerIds,
  parsePeerId,
  type PeerId,
  peerIdBytes,
  peerIdFromBytes,
  peerIdText,
  tryPeerId,
} from "../../src/identity/peer_id.ts";
import { unhex } from "./bytes.ts";
import { VECTORS } from "./rfc8032_vectors.ts";

/** RFC 8032 test 1's key. */
const KEY = unhex(VECTORS[0]!.publicKey);
const ID = "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena";
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

const scalar = fc.bigInt({ min: 1n, max: 2n ** 252n });
const validKey = scalar.map((n) => Point.BASE.multiply(n).toBytes());

describe("a PeerId", () => {
  it("is the public key in 52 letters", () => {
    assert.equal(peerIdFromBytes(KEY), ID);
    assert.deepEqual(peerIdBytes(parsePeerId(ID)), KEY);
  });
  it("reads back as the key it was made from", () => {
    fc.assert(
      fc.property(validKey, (key) => {
        const id = peerIdFromBytes(key);
        assert.match(id, /^[a-z2-7]{51}[aq]$/);
        assert.equal(parsePeerId(id), id);
        assert.deepEqual(peerIdBytes(id), new Uint8Array(key));
      }),
      { numRuns: 50 },
    );
  });
  it("may be written in upper case", () => {
    assert.equal(parsePeerId(ID.toUpperCase()), ID);
  });
  it("with one wrong letter is refused or another id, never the same", () => {
    const place = fc.nat({ max: 51 }), letter = fc.constantFrom(...LETTERS);
    fc.assert(fc.property(place, letter, (at, other) => {
      fc.pre(ID[at] !== other);
      assert.notEqual(tryPeerId(ID.slice(0, at) + other + ID.slice(at + 1)), ID);
    }));
  });
  it("with one wrong letter is refused in most cases, because few byte strings are keys", () => {
    const wrong = [...ID].slice(0, 51).map((old, at) =>
      ID.slice(0, at) + (old === "b" ? "c" : "b") + ID.slice(at + 1)
    );
    const taken = wrong.filter((text) => tryPeerId(text) !== undefined);
    assert(taken.length < 10, `${taken.length} of 51`);
  });
  it("is never read from arbitrary text with an exception other than TypeError", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      assert.equal(tryPeerId(text), undefined);
      assert.throws(() => parsePeerId(text), TypeError);
    }));
  });
});

describe("the error of a wrong PeerId says what is wrong", () => {
  const cases: [string, string, RegExp][] = [
    ["too short", ID.slice(1), /52 letters, this has 51: copy the whole id/],
    ["a space", `${ID} `, /this has 53, spaces included: remove them/],
    ["empty", "", /this has 0/],
    ["a digit that is not used", `1${ID.slice(1)}`, /"1" at position 1 does not occur/],
    [
      "a letter outside ASCII that lowers to one inside",
      `${ID.slice(0, 4)}\u212a${ID.slice(5)}`,
      /position 5/,
    ],
    ["bits after the key", `${ID.slice(0, 51)}b`, /ends in "b".*at least one letter is wrong/],
    ["no point", `${"a".repeat(50)}qa`, /at least one letter is wrong/],
    ["small order", "a".repeat(52), /small order: at least one letter is wrong/],
  ];
  for (const [name, text, message] of cases) {
    it(name, () => {
      assert.throws(() => parsePeerId(text), { name: "TypeError", message });
      assert.equal(tryPeerId(text), undefined);
    });
  }
  it("no string at all", () => {
    assert.throws(() => parsePeerId(undefined as unknown as string), /expected a string, got undefined/);
  });
  it("bytes that are no key", () => {
    assert.throws(() => peerIdFromBytes(new Uint8Array(31)), {
      name: "TypeError",
      message: /32 bytes, this has 31/,
    });
    assert.throws(() => peerIdFromBytes(new Uint8Array(32)), { name: "TypeError", message: /small order/ });
  });
});

it("ids are ordered as their bytes, not as their letters", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    assert.equal(Math.sign(comparePeerIds(peerIdText(a), peerIdText(b))), compareBytes(a, b));
  }));
  const [low, high] = [`z${"a".repeat(51)}`, `2${"a".repeat(51)}`] as PeerId[];
  assert(comparePeerIds(low!, high!) < 0 && low! > high!);
  assert.equal(comparePeerIds(low!, low!), 0);
});

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : Math.sign(a[at]! - b[at]!);
}
