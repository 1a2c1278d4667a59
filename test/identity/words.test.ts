import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pairWords, safetyWords } from "../../src/identity/words.ts";
import { WORDS } from "../../src/identity/words_list.ts";
import { flip, unhex } from "./bytes.ts";
import { VECTORS } from "./rfc8032_vectors.ts";

const [ALICE, BOB] = [unhex(VECTORS[0]!.publicKey), unhex(VECTORS[1]!.publicKey)];

describe("the words of a key", () => {
  it("stay the same from version to version", () => {
    assert.equal(safetyWords(ALICE!).join(" "), "fabric papaya castle domino museum helmet mandolin cotton");
    assert.equal(safetyWords(BOB!).join(" "), "willow bamboo bronze garlic garlic siren ribbon siren");
  });
  it("change when one bit of the key does", () => {
    assert.notDeepEqual(safetyWords(flip(ALICE!, 31)), safetyWords(ALICE!));
  });
  it("are not given for something that is no key", () => {
    assert.throws(() => safetyWords(new Uint8Array(33)), {
      name: "TypeError",
      message: /32 bytes, this has 33/,
    });
  });
});

describe("the words of a pair", () => {
  it("are the same for both sides", () => {
    assert.deepEqual(pairWords(ALICE!, BOB!), pairWords(BOB!, ALICE!));
    assert.equal(pairWords(ALICE!, BOB!).length, 16);
  });
  it("contain all words of each key, so that nobody gains by choosing both foreign keys", () => {
    const words = pairWords(ALICE!, BOB!).join(" ");
    assert(words.includes(safetyWords(ALICE!).join(" ")));
    assert(words.includes(safetyWords(BOB!).join(" ")));
  });
});

describe("the word list", () => {
  it("has a word for each byte", () => {
    assert.equal(WORDS.length, 256);
    assert(WORDS.every((word) => /^[a-z]{4,9}$/.test(word)));
  });
  it("has no two words with the same first three letters", () => {
    assert.equal(new Set(WORDS.map((word) => word.slice(0, 3))).size, 256);
  });
  it("has no two words within two letters of each other", () => {
    WORDS.forEach((a, i) => {
      for (const b of WORDS.slice(0, i)) assert(distance(a, b) > 2, `${a} and ${b}`);
    });
  });
});

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change));
    }
    row = next;
  }
  return row[b.length]!;
}
