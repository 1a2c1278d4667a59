import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type ChatMessage,
  encodeMessage,
  MAX_FILE,
  MAX_NOTE,
  MAX_TEXT,
  readMessage,
} from "../../src/chat/chat_message.ts";
import { encode, type Value } from "../../src/wire/cbor.ts";

/** With the prototype that a reader gives. */
const PLAIN = { noNullPrototype: true };
const text = (longest: number) =>
  fc.string({ maxLength: longest, unit: "grapheme" }).filter((one) => one.length <= longest);
const body: fc.Arbitrary<ChatMessage["body"]> = fc.oneof(
  text(200).filter((one) => one !== "").map((words) => ({ kind: "text" as const, text: words })),
  fc.record({ name: text(50), type: text(30), size: fc.integer({ min: 0, max: MAX_FILE }) }, PLAIN)
    .map((file) => ({ kind: "file" as const, file })),
  text(80).map((note) => ({ kind: "ask" as const, note })),
  fc.boolean().map((accepted) => ({ kind: "answer" as const, accepted })),
  fc.record({
    kind: fc.constant("refused" as const),
    id: fc.stringMatching(/^[0-9a-f]{32}$/),
    reason: text(60),
  }, PLAIN),
);
const message = fc.record(
  { name: text(40), at: fc.integer({ min: 0, max: 2 ** 48 }), group: text(40), body },
  PLAIN,
);

describe("a chat message", () => {
  it("is read as it was written", () => {
    fc.assert(fc.property(message, (one) => assert.deepEqual(readMessage(encodeMessage(one)), one)));
  });

  it("of any other bytes is none, and nothing is thrown", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const read = readMessage(bytes);
      assert.ok(read === undefined || typeof read.body.kind === "string");
    }));
  });

  it("with a field of another type, or too long, is none", () => {
    const good: Value[] = [1, 0, "Ada", 1_700_000_000_000, "", "hello"];
    assert.ok(readMessage(encode(good)));
    const bad: [number, Value][] = [
      [0, 2],
      [1, 99],
      [1, "text"],
      [2, null],
      [2, "x".repeat(65)],
      [3, "now"],
      [4, 7],
      [5, ""],
      [5, "x".repeat(MAX_TEXT + 1)],
      [5, new Uint8Array(3)],
    ];
    for (const [at, value] of bad) {
      assert.equal(readMessage(encode(good.with(at, value))), undefined, `element ${at}: ${String(value)}`);
    }
    assert.equal(readMessage(encode([1, 1, "Ada", 0, "", "a.txt", "text/plain", MAX_FILE + 1])), undefined);
    assert.equal(readMessage(encode([1, 2, "Ada", 0, "", "x".repeat(MAX_NOTE + 1)])), undefined);
    assert.equal(readMessage(encode(good.slice(0, 5))), undefined);
  });
});
