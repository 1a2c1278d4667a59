import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { framed, Receipts, Receiver } from "./links/receipts.ts";

function pieces(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    found.push(bytes.subarray(at, at + size));
    at += size;
  }
  return found;
}

describe("receipts of a stream", () => {
  it("come for each message once, however the stream was cut", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(60), { maxLength: 30 }),
        sizes,
        sizes,
        async (lengths, there, back) => {
          const answers: number[] = [];
          const receiver = new Receiver((bytes) => answers.push(...bytes));
          const sent = lengths.flatMap((length) => [...framed(new Uint8Array(length))]);
          for (const piece of pieces(Uint8Array.from(sent), there)) receiver.take(piece);
          const receipts = new Receipts();
          let kept = 0;
          const promises = [...lengths, 0].map(() => receipts.promise().then(() => kept++));
          for (const piece of pieces(Uint8Array.from(answers), back)) receipts.take(piece);
          await Promise.all(promises.slice(0, -1));
          assert.equal(kept, lengths.length);
        },
      ),
    );
  });
});
