import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decode } from "../../src/wire/cbor.ts";
import {
  dataFrameSize,
  dataPayload,
  dataRunEnd,
  encodeData,
  isData,
  peerOf,
  setPeer,
  setPeers,
  writeDataHead,
} from "../../src/wire/data_frame.ts";
import {
  destinationOf,
  encodeForward,
  forwardToData,
  hopsOf,
  isForward,
  setHops,
  sourceOf,
} from "../../src/wire/forward_frame.ts";
import { encodePing } from "../../src/wire/frames.ts";
import { concatFrames, frameEnd } from "../../src/wire/sequence.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(65535, 65536, 131_072).map((size) => new Uint8Array(size).fill(9)),
);
const before = fc.uint8Array({ maxLength: 50 });

describe("the data frame", () => {
  it("is the deterministic CBOR of [0, peer, payload]", () => {
    fc.assert(
      fc.property(key, payload, (peer, payload) => {
        assert.deepEqual(decode(encodeData(peer, payload)), [0, peer, payload]);
      }),
    );
  });

  it("written in place into a batch is the same as written alone", () => {
    fc.assert(
      fc.property(before, key, payload, (before, peer, payload) => {
        const batch = new Uint8Array(before.length + dataFrameSize(payload.length));
        batch.set(before);
        batch.set(payload, writeDataHead(batch, before.length, peer, payload.length));
        assert.deepEqual(batch, concatFrames([before, encodeData(peer, payload)]));
      }),
    );
  });

  it("gets another peer in place, and nothing else of the message changes", () => {
    fc.assert(
      fc.property(before, key, key, payload, before, (before, from, to, payload, after) => {
        const message = concatFrames([before, encodeData(to, payload), after]);
        assert.ok(isData(message, before.length));
        assert.deepEqual(peerOf(message, before.length), to);
        setPeer(message, before.length, from);
        assert.deepEqual(message, concatFrames([before, encodeData(from, payload), after]));
        assert.deepEqual(dataPayload(message, before.length, frameEnd(message, before.length)), payload);
      }),
    );
  });

  it("of one peer in a row are one run, up to the next peer's or another kind, and get another peer together", () => {
    // Keys that differ in one bit are what a comparison may miss.
    const other = fc.nat({ max: 255 }).map((bit) =>
      Uint8Array.from({ length: 32 }, (_, i) => i === bit >> 3 ? 1 << (bit & 7) : 0)
    );
    const payloads = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 5 });
    const rest = fc.option(other.map((key) => encodeData(key, new Uint8Array(3))), {
      nil: encodePing(new Uint8Array(8)),
    });
    fc.assert(
      fc.property(before, key, payloads, rest, (before, to, payloads, rest) => {
        const run = (peer: Uint8Array) => concatFrames(payloads.map((payload) => encodeData(peer, payload)));
        const peer = new Uint8Array(32);
        for (const after of [rest, new Uint8Array()]) {
          const message = concatFrames([before, run(peer), after]);
          const end = dataRunEnd(message, before.length);
          assert.equal(end, message.length - after.length);
          assert.equal(setPeers(message, before.length, end, to), payloads.length);
          assert.deepEqual(message, concatFrames([before, run(to), after]));
        }
      }),
    );
  });

  it("refuses a caller's key of another length", () => {
    assert.throws(() => encodeData(new Uint8Array(31), new Uint8Array()), TypeError);
  });
});

describe("the forward frame", () => {
  it("is the deterministic CBOR of [1, hops, source, destination, payload]", () => {
    fc.assert(
      fc.property(fc.nat(23), key, key, payload, (hops, source, destination, payload) => {
        const frame = encodeForward(hops, source, destination, payload);
        assert.deepEqual(decode(frame), [1, hops, source, destination, payload]);
        assert.deepEqual([hopsOf(frame, 0), sourceOf(frame, 0), destinationOf(frame, 0)], [
          hops,
          source,
          destination,
        ]);
      }),
    );
  });

  it("becomes the source's data frame in place, with the payload and its neighbours untouched", () => {
    fc.assert(
      fc.property(before, key, key, payload, before, (before, source, destination, payload, after) => {
        const message = concatFrames([before, encodeForward(3, source, destination, payload), after]);
        assert.ok(isForward(message, before.length));
        const end = frameEnd(message, before.length);
        const start = forwardToData(message, before.length);
        assert.deepEqual(message.subarray(start, end), encodeData(source, payload));
        assert.deepEqual(message.subarray(end), after);
        assert.deepEqual(message.subarray(0, before.length), before);
      }),
    );
  });

  it("loses a hop in place", () => {
    const key = new Uint8Array(32);
    const frame = encodeForward(3, key, key, key);
    setHops(frame, 0, hopsOf(frame, 0) - 1);
    assert.deepEqual(frame, encodeForward(2, key, key, key));
  });

  it("refuses a caller's hops that need a second byte", () => {
    const key = new Uint8Array(32);
    for (const hops of [-1, 24, 0.5]) assert.throws(() => encodeForward(hops, key, key, key), RangeError);
    assert.throws(() => encodeForward(0, key, key.subarray(1), key), TypeError);
  });
});
