import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { type Aead, TAG_SIZE } from "../../src/link/aead.ts";
import { aesGcm, nativeAesGcm } from "../../src/link/aes_gcm.ts";
import { chaChaPoly, nativeChaCha, nobleChaCha, ofChaCha } from "../../src/link/chacha.ts";
import { flipped, hex } from "./hex.ts";

const runs = { numRuns: 200 };
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const short = fc.uint8Array({ maxLength: 300 });
const counter = fc.maxSafeNat();
const native = nativeChaCha();
const pure = ofChaCha(nobleChaCha);
const chaChas: Record<string, Aead> = {
  "ChaCha20-Poly1305, pure": pure,
  "ChaCha20-Poly1305, this runtime's": chaChaPoly,
  ...native && { "ChaCha20-Poly1305, native": ofChaCha(native) },
};
const aeads: Record<string, Aead> = { ...chaChas, ...aesGcm && { "AES-256-GCM": aesGcm } };

const KEY = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");

const VECTORS = {
  "§2.8.2": {
    key: KEY,
    nonce: hex("07000000 4041424344454647"),
    ad: hex("50515253c0c1c2c3c4c5c6c7"),
    plaintext: new TextEncoder().encode(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ),
    sealed: hex(`
      d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b 6116
      1ae10b594f09e26a7e902ecbd0600691`),
  },
  "§A.5": {
    key: hex("1c9240a5eb55d38af333888604f6b5f0 473917c1402b80099dca5cbc207075c0"),
    nonce: hex("00000000 0102030405060708"),
    ad: hex("f33388860000000000004e91"),
    plaintext: new TextEncoder().encode(
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted " +
        "by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite " +
        "them other than as /\u201cwork in progress./\u201d",
    ),
    sealed: hex(`
      64a0861575861af460f062c79be643bd 5e805cfd345cf389f108670ac76c8cb2
      4c6cfc18755d43eea09ee94e382d26b0 bdb7b73c321b0100d4f03b7f355894cf
      332f830e710b97ce98c8a84abd0b9481 14ad176e008d33bd60f982b1ff37c855
      9797a06ef4f0ef61c186324e2b350638 3606907b6a7c02b0f9f6157b53c867e4
      b9166c767b804d46a59b5216cde7a4e9 9040c5a40433225ee282a1b0a06c523e
      af4534d7f83fa1155b0047718cbc546a 0d072b04b3564eea1b422273f548271a
      0bb2316053fa76991955ebd63159434e cebb4e466dae5a1073a6727627097a10
      49e617d91d361094fa68f0ff77987130 305beaba2eda04df997b714d6c6f2c29
      a6ad5cb4022b02709b eead9d67890cbb22392336fea1851f38`),
  },
};

for (const chacha of [nobleChaCha, native]) {
  for (const [section, { key, nonce, ad, plaintext, sealed }] of Object.entries(VECTORS)) {
    if (chacha === undefined) continue;
    it(`RFC 8439 ${section}, ${chacha === nobleChaCha ? "pure" : "native"}`, () => {
      const into = new Uint8Array(sealed.length);
      chacha.seal(key, nonce, ad, plaintext, into);
      assert.deepEqual(into, sealed);
      assert.deepEqual(chacha.open(key, nonce, ad, sealed), plaintext);
      assert.throws(() => chacha.open(key, nonce, ad, flipped(sealed, 9)));
    });
  }
}

for (const [name, aead] of Object.entries(aeads)) {
  describe(name, () => {
    it("opens what it sealed, and nothing with one bit changed anywhere", () => {
      fc.assert(
        fc.property(key, counter, short, short, fc.nat(), (k, n, ad, plaintext, bit) => {
          const cipher = aead(k);
          const sealed = cipher.seal(n, ad, plaintext);
          assert.deepEqual(cipher.open(n, ad, sealed), plaintext);
          assert.equal(cipher.open(n, ad, flipped(sealed, bit)), undefined);
          if (ad.length > 0) assert.equal(cipher.open(n, flipped(ad, bit), sealed), undefined);
          assert.equal(aead(flipped(k, bit)).open(n, ad, sealed), undefined);
          assert.equal(cipher.open(n === 0 ? 1 : n - 1, ad, sealed), undefined);
          assert.equal(cipher.open(n, ad, sealed.subarray(0, bit % sealed.length)), undefined);
        }),
        runs,
      );
    });

    it("neither changes the plaintext nor keeps a tie to what it opened", () => {
      const cipher = aead(KEY);
      const plaintext = hex("00010203");
      const sealed = cipher.seal(1, plaintext, plaintext);
      const opened = cipher.open(1, plaintext, sealed)!;
      sealed.fill(0);
      assert.deepEqual([...opened], [0, 1, 2, 3]);
      assert.deepEqual([...plaintext], [0, 1, 2, 3]);
    });

    it("refuses after it forgot its key, and a key of a wrong length at once", () => {
      const cipher = aead(KEY);
      const sealed = cipher.seal(0, KEY, KEY);
      cipher.forget();
      assert.equal(cipher.open(0, KEY, sealed), undefined);
      assert.throws(() => cipher.seal(1, KEY, KEY), TypeError);
      assert.throws(() => aead(new Uint8Array(31)), RangeError);
      assert.throws(() => aead(KEY).seal(0, KEY, KEY, new Uint8Array(TAG_SIZE)), RangeError);
    });
  });
}

for (const [name, aead] of Object.entries(chaChas)) {
  describe(name, () => {
    it("agrees byte for byte with the pure implementation, into given room too", () => {
      fc.assert(
        fc.property(key, counter, short, fc.nat({ max: 3 }), (k, n, plaintext, shift) => {
          const ad = plaintext.subarray(0, 13);
          const expected = pure(k).seal(n, ad, plaintext);
          const room = new Uint8Array(shift + expected.length).subarray(shift);
          assert.equal(aead(k).seal(n, ad, plaintext, room), room);
          assert.deepEqual(room, expected);
          assert.deepEqual(aead(k).open(n, ad, room), plaintext);
        }),
        runs,
      );
    });

    it("numbers nonces as Noise does: four zero bytes, then the counter little-endian", () => {
      const expected = new Uint8Array(TAG_SIZE + 4);
      nobleChaCha.seal(KEY, hex("00000000 0706050403021100"), KEY, hex("00000000"), expected);
      assert.deepEqual(aead(KEY).seal(0x11_0203_0405_0607, KEY, hex("00000000")), expected);
    });
  });
}

const { vectors } = JSON.parse(readFileSync(new URL("./vectors/aes_gcm.json", import.meta.url), "utf8")) as {
  vectors: Record<"tcId" | "key" | "iv" | "aad" | "msg" | "ct" | "tag" | "result", string>[];
};

describe("AES-256-GCM, where the runtime has it", () => {
  const raw = nativeAesGcm()!;
  const skip = raw === undefined && "this runtime has none";

  it("seals and opens as Wycheproof has it", { skip }, () => {
    assert.equal(vectors.length, 66);
    for (const { tcId, result, ...vector } of vectors) {
      const { key, iv, aad, msg } = Object.fromEntries(
        Object.entries(vector).map(([name, text]) => [name, hex(text)]),
      );
      const sealed = hex(vector.ct + vector.tag);
      if (result !== "valid") {
        assert.throws(() => raw.open(key!, iv!, aad!, sealed), `${tcId}`);
        continue;
      }
      const into = new Uint8Array(sealed.length);
      raw.seal(key!, iv!, aad!, msg!, into);
      assert.deepEqual(into, sealed, `${tcId}`);
      assert.deepEqual(raw.open(key!, iv!, aad!, sealed), msg, `${tcId}`);
    }
  });

  it("numbers nonces as Noise does: four zero bytes, then the counter big-endian", { skip }, () => {
    const expected = new Uint8Array(TAG_SIZE + 4);
    raw.seal(KEY, hex("00000000 0011020304050607"), KEY, hex("00000000"), expected);
    assert.deepEqual(aesGcm!(KEY).seal(0x11_0203_0405_0607, KEY, hex("00000000")), expected);
  });
});

describe("a runtime's own cipher", () => {
  /** `node:crypto` in small, on the pure implementation; sealing twice is opening, since ChaCha20 is an XOR. */
  const fake = (checksTags: boolean) => {
    const step = (key: Uint8Array, nonce: Uint8Array) => {
      let [ad, tag, made] = [KEY, KEY, KEY];
      return {
        setAAD: (bytes: Uint8Array) => void (ad = bytes),
        setAuthTag: (bytes: Uint8Array) => void (tag = bytes),
        getAuthTag: () => made.slice(-TAG_SIZE),
        update(bytes: Uint8Array) {
          made = new Uint8Array(bytes.length + TAG_SIZE);
          nobleChaCha.seal(key, nonce, ad, bytes, made);
          if (checksTags && tag !== KEY) nobleChaCha.open(key, nonce, ad, Uint8Array.of(...bytes, ...tag));
          return made.slice(0, -TAG_SIZE);
        },
        final() {},
      };
    };
    const create = (_name: string, key: Uint8Array, nonce: Uint8Array) => step(key, nonce);
    return { createCipheriv: create, createDecipheriv: create } as never;
  };

  it("is not used under another cipher's name", () => assert.equal(nativeAesGcm(fake(true)), undefined));
  it("is used when it works", () => assert.notEqual(nativeChaCha(fake(true)), undefined));
  it("is not used when it ignores tags", () => assert.equal(nativeChaCha(fake(false)), undefined));
  it("is not used when it throws", () =>
    assert.equal(nativeChaCha({ createCipheriv() {} } as never), undefined));
});

describe("sealing in place", () => {
  for (const [name, aead] of Object.entries(aeads)) {
    it(`${name}: gives what it gives elsewhere, however the bytes lie in memory`, () => {
      fc.assert(
        fc.property(key, counter, short, fc.nat(8), (key, counter, plaintext, offset) => {
          const cipher = aead(key);
          const into = new Uint8Array(offset + plaintext.length + TAG_SIZE).subarray(offset);
          into.set(plaintext);
          cipher.seal(counter, key, into.subarray(0, plaintext.length), into);
          assert.deepEqual(into, cipher.seal(counter, key, plaintext));
        }),
        runs,
      );
    });
  }
});
