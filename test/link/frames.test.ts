import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeFrames, encodeAck, encodeNumbered } from "../../src/link/frames.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";

describe("numbers of link frames", () => {
  it("end where an acknowledgement of them could still be written", () => {
    const last = Number.MAX_SAFE_INTEGER - 1;
    assert.deepEqual(decodeFrames(joinBytes(encodeNumbered({ kind: "end", stream: 1 }, last))), [
      { kind: "end", seq: last, stream: 1 },
    ]);
    assert.ok(decodeFrames(encodeAck(1, [last, last + 1])));
    assert.equal(decodeFrames(joinBytes(encodeNumbered({ kind: "end", stream: 1 }, last + 1))), undefined);
  });
});
