import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identityFromSeed, verify } from "../../src/identity/identity.ts";
import { decode } from "../../src/wire/cbor.ts";
import { dataPayload, encodeData, isData, peerOf } from "../../src/wire/data_frame.ts";
import { encodeForward, forwardToData } from "../../src/wire/forward_frame.ts";
import * as frames from "../../src/wire/frames.ts";
import { meshMac } from "../../src/mesh/token.ts";
import type { Control, Role } from "../../src/wire/protocol.ts";
import { readRecord, recordSigned, signRecord, verifyRecord } from "../../src/wire/record.ts";
import { checkBatch, frameEnd, splitFrames } from "../../src/wire/sequence.ts";
import { encodeControl } from "./encode_control.ts";
import { fromJson, hex, toJson, unhex } from "./notation.ts";
import { readVectors } from "./vectors.ts";

const vectors = readVectors();

function readAsJson(bytes: Uint8Array): unknown {
  const frame = frames.decodeControl(bytes);
  assert.ok(frame, "malformed");
  const { bytes: _, ...fields } = frame as Control & { bytes?: Uint8Array };
  return toJson(fields);
}

describe("control frames of vectors.json", () => {
  for (const vector of vectors.control) {
    it(`${vector.name}: is read, and written byte for byte`, () => {
      assert.deepEqual(readAsJson(unhex(vector.hex)), vector.frame);
      assert.equal(hex(encodeControl(fromJson(vector.frame))), vector.hex);
      assert.equal(frameEnd(unhex(vector.hex), 0), vector.hex.length / 2);
    });

    it(`${vector.name}: is refused when cut off at any byte`, () => {
      const bytes = unhex(vector.hex);
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(frames.decodeControl(bytes.subarray(0, length)), undefined);
        assert.ok(checkBatch(bytes.subarray(0, length)) < 0);
      }
    });
  }

  for (const vector of vectors.extended) {
    it(`${vector.name}: what is unknown is ignored`, () => {
      assert.deepEqual(readAsJson(unhex(vector.hex)), vector.frame);
      assert.equal(checkBatch(unhex(vector.hex)), 1);
    });
  }
});

describe("data and forward frames of vectors.json", () => {
  for (const vector of vectors.data) {
    it(`${vector.name}: is written and read at fixed offsets`, () => {
      const bytes = unhex(vector.hex);
      assert.equal(hex(encodeData(fromJson(vector.peer), fromJson(vector.payload))), vector.hex);
      assert.ok(isData(bytes, 0));
      assert.deepEqual(peerOf(bytes, 0), fromJson(vector.peer));
      assert.deepEqual(dataPayload(bytes, 0, frameEnd(bytes, 0)), fromJson(vector.payload));
    });
  }

  for (const vector of vectors.forward) {
    it(`${vector.name}: is written, and leaves as the data frame of its source`, () => {
      const { hops, source, destination, payload } = fromJson(vector);
      const bytes = encodeForward(hops, source, destination, payload);
      assert.equal(hex(bytes), vector.hex);
      assert.equal(hex(bytes.subarray(forwardToData(bytes, 0))), vector.egress);
      assert.equal(hex(encodeData(source, payload)), vector.egress);
    });
  }
});

describe("signatures of vectors.json", () => {
  it("the record: body, what is signed, signature", async () => {
    const { seed, fields, body, signed, signature } = fromJson(vectors.record);
    assert.deepEqual(await signRecord(await identityFromSeed(seed), fields), { body, signature });
    assert.deepEqual(recordSigned(body), signed);
    assert.deepEqual(readRecord({ body, signature }), fields);
    assert.deepEqual(
      await verifyRecord({ body, signature }, { network: fields.network, now: fields.issued }),
      {
        record: fields,
      },
    );
  });

  it("the edges of a node", async () => {
    const { seed, network, fields, signed, signature } = fromJson(vectors.edges);
    assert.deepEqual(frames.edgesSigned(network, fields), signed);
    assert.ok(await verify(fields.node, signed, signature));
    assert.deepEqual((await identityFromSeed(seed)).publicKey, fields.node);
  });

  it("the proof of a network's token, by each side", () => {
    const { token, byDialer, byAcceptor, ...proof } = fromJson(vectors.meshMac);
    assert.deepEqual(meshMac(token, proof, "dialer"), byDialer);
    assert.deepEqual(meshMac(token, proof, "acceptor"), byAcceptor);
  });

  for (const transcript of vectors.transcripts) {
    it(`${transcript.name}: each step is signed as written`, async () => {
      const t = fromJson(transcript);
      const { hello, authBody, auth, welcomeBody, welcome } = t;
      assert.deepEqual((await identityFromSeed(t.dialerSeed)).publicKey, t.dialer);
      assert.deepEqual((await identityFromSeed(t.nodeSeed)).publicKey, t.node);
      assert.deepEqual(frames.authSigned(transcript.role as Role, hello, authBody), t.authSigned);
      assert.deepEqual(frames.encodeAuth(authBody, t.authSignature), auth);
      assert.ok(await verify(t.dialer, t.authSigned, t.authSignature));
      assert.deepEqual(frames.welcomeSigned(hello, auth, welcomeBody), t.welcomeSigned);
      assert.deepEqual(frames.encodeWelcome(welcomeBody, t.welcomeSignature), welcome);
      assert.ok(await verify(t.node, t.welcomeSigned, t.welcomeSignature));
    });
  }
});

describe("messages of vectors.json", () => {
  for (const vector of vectors.batches) {
    it(`${vector.name}: is split into its frames`, () => {
      assert.deepEqual(splitFrames(unhex(vector.hex))?.map(hex), vector.frames);
    });
  }
});

describe("refused, as vectors.json says", () => {
  for (const { why, hex } of vectors.invalid.cbor) {
    it(`an item: ${why} (${hex.slice(0, 24)})`, () => assert.equal(decode(unhex(hex)), undefined));
  }
  for (const { why, hex } of [...vectors.invalid.frame, ...vectors.invalid.contradictory]) {
    it(`a control frame: ${why}`, () => {
      assert.notEqual(decode(unhex(hex)), undefined, "the CBOR itself is fine");
      assert.equal(frames.decodeControl(unhex(hex)), undefined);
    });
  }
  for (const { why, hex } of vectors.invalid.message) {
    it(`a message: ${why}`, () => {
      assert.ok(checkBatch(unhex(hex)) < 0);
      assert.equal(splitFrames(unhex(hex)), undefined);
    });
  }
});
