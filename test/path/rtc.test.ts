import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeWords, encodeWords, isHostCandidate, ownDescription, type Words } from "../../src/path/rtc.ts";
import { encode } from "../../src/wire/cbor.ts";

const text = fc.string({ maxLength: 300 });
const words: fc.Arbitrary<Words> = fc.oneof(
  fc.record({ type: fc.constantFrom("offer" as const, "answer" as const), sdp: text }, {
    noNullPrototype: true,
  }),
  fc.record(
    { type: fc.constant("candidate" as const), candidate: text, mid: fc.string({ maxLength: 32 }) },
    { noNullPrototype: true },
  ),
);

describe("words about a data channel", () => {
  it("are read as they were written", () => {
    fc.assert(fc.property(words, (words) => assert.deepEqual(decodeWords(encodeWords(words)!), words)));
  });
  it("are refused when they are too long, or none", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeWords(bytes)));
    for (const items of [[3, "a"], [0, 1], [0, "a".repeat(8_001)], [2, "c"], [2, "c".repeat(513), "0"]]) {
      assert.equal(decodeWords(encode(items)), undefined);
    }
    assert.equal(encodeWords({ type: "offer", sdp: "a".repeat(8_001) }), undefined);
  });
  it("describe without candidates, and an offer takes the active part in DTLS", () => {
    const sdp =
      "v=0\r\na=setup:actpass\r\na=candidate:1 1 UDP 1 10.0.0.1 9 typ host\r\na=end-of-candidates\r\n";
    assert.deepEqual(ownDescription("offer", sdp), { type: "offer", sdp: "v=0\r\na=setup:active\r\n" });
    assert.deepEqual(ownDescription("answer", sdp), { type: "answer", sdp: "v=0\r\na=setup:actpass\r\n" });
  });
  it("tell host candidates from others", () => {
    assert.ok(isHostCandidate("candidate:1 1 UDP 2122317823 10.9.9.1 4444 typ host"));
    assert.ok(!isHostCandidate("candidate:1 1 UDP 1 192.0.2.1 4444 typ srflx raddr 0.0.0.0 rport 0"));
  });
});
