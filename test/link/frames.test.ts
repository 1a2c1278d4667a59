import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeFrames, encodeAck, encodeNumbered } from "../../src/link/frames.ts";

describe("numbers of link frames", () => {
  it("end where an acknowledgement of them could still be written", () => {
    const last = Number.MAX_SAFE_INTEGER - 1;
    assert.deepEqual(decodeFrames(encodeNumbered({ kind: "end", stream: 1 }, last)), [
      { kind: "end", seq: last, stream: 1 },
    ]);
    assert.ok(decodeFrames(encodeAck(1, [last, last + 1])));
    assert.equal(decodeFrames(encodeNumbered({ kind: "end", stream: 1 }, last + 1)), undefined);
  });
});
