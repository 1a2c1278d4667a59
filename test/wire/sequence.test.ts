import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encode, scan, type Value } from "../../src/wire/cbor.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { encodeForward } from "../../src/wire/forward_frame.ts";
import { decodeControl, encodePing } from "../../src/wire/frames.ts";
import { MAX_BATCH, MAX_CONTROL, MAX_DEPTH, MAX_MESSAGE } from "../../src/wire/limits.ts";
import { BatchError, checkBatch, concatFrames, frameEnd, splitFrames } from "../../src/wire/sequence.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(23, 24, 255, 256, 65535, 65536, 131_072).map((size) => new Uint8Array(size).fill(7)),
);
const frame = fc.oneof(
  fc.tuple(key, payload).map(([peer, payload]) => encodeData(peer, payload)),
  fc.tuple(fc.nat(23), key, key, payload).map((parts) => encodeForward(...parts)),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map(encodePing),
  fc.tuple(fc.maxSafeNat(), fc.array(fc.nat(), { maxLength: 30 })).map(([kind, rest]) =>
    encode([Math.max(kind, 2), ...rest])
  ),
);
const ping = encodePing(new Uint8Array(8));

describe("a message of frames", () => {
  it("is split into the frames it was made of", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 7 }), (frames) => {
        const message = concatFrames(frames);
        assert.equal(checkBatch(message), frames.length);
        assert.deepEqual(splitFrames(message), frames);
      }),
    );
  });

  it("frameEnd agrees with the full scan, on whole and on mutated frames", () => {
    fc.assert(
      fc.property(frame, fc.nat(100), fc.nat(255), fc.boolean(), (frame, at, byte, mutate) => {
        const bytes = frame.slice();
        if (mutate) bytes[at % bytes.length] = byte;
        const end = frameEnd(bytes, 0);
        const scanned = scan(bytes, 0, bytes.length, MAX_DEPTH);
        if (!mutate) assert.equal(end, bytes.length);
        // Refusing more than the scan is right only where frames are stricter than CBOR.
        if (end >= 0) assert.equal(end, scanned);
        else if (scanned >= 0) assert.equal(decodeControl(bytes.subarray(0, scanned)), undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it("is refused as a whole when its last frame is cut off", () => {
    const data = encodeData(new Uint8Array(32), new Uint8Array(30));
    for (let length = 1; length < data.length; length++) {
      assert.equal(checkBatch(concatFrames([ping, data.subarray(0, length)])), BatchError.malformed);
    }
  });

  it("random bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const frames = splitFrames(bytes);
        if (frames) assert.deepEqual(concatFrames(frames), bytes);
        decodeControl(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it(`holds ${MAX_BATCH} frames and not one more`, () => {
    assert.equal(checkBatch(concatFrames(Array(MAX_BATCH).fill(ping))), MAX_BATCH);
    assert.equal(checkBatch(concatFrames(Array(MAX_BATCH + 1).fill(ping))), BatchError.tooManyFrames);
  });

  it(`holds ${MAX_MESSAGE} bytes and not one more`, () => {
    const head = 32 + 4 + 5;
    assert.equal(checkBatch(encodeData(new Uint8Array(32), new Uint8Array(MAX_MESSAGE - head))), 1);
    const larger = encodeData(new Uint8Array(32), new Uint8Array(MAX_MESSAGE - head + 1));
    assert.equal(checkBatch(larger), BatchError.tooLarge);
  });

  it(`a control frame has at most ${MAX_CONTROL} bytes`, () => {
    const size = (frame: Value[]): Uint8Array => encode(frame);
    const largest = size([100, new Uint8Array(MAX_CONTROL - 6)]);
    const larger = size([100, new Uint8Array(MAX_CONTROL - 5)]);
    assert.equal(largest.length, MAX_CONTROL);
    assert.equal(checkBatch(largest), 1);
    assert.deepEqual(decodeControl(largest), { kind: "unknown", number: 100 });
    assert.equal(checkBatch(larger), BatchError.malformed);
    assert.equal(decodeControl(larger), undefined);
  });
});
