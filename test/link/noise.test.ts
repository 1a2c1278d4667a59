import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { chaChaPoly } from "../../src/link/chacha.ts";
import { generateLinkKey, type KeyPair, keyPairOf } from "../../src/link/dh.ts";
import {
  initiate,
  MAX_NOISE_MESSAGE,
  MESSAGE_1_OVERHEAD,
  MESSAGE_2_OVERHEAD,
  PROTOCOL_NAME,
  respond,
} from "../../src/link/noise.ts";
import { flipped, hex } from "./hex.ts";

interface Vector {
  source: string;
  init_prologue: string;
  init_static: string;
  init_ephemeral: string;
  init_remote_static: string;
  resp_prologue: string;
  resp_static: string;
  resp_ephemeral: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

const file = JSON.parse(readFileSync(new URL("./vectors/noise_ik.json", import.meta.url), "utf8")) as {
  protocol_name: string;
  vectors: Vector[];
};

function runVector(vector: Vector): void {
  const [first, second, ...rest] = vector.messages;
  const initiation = initiate({
    prologue: hex(vector.init_prologue),
    static: keyPairOf(hex(vector.init_static)),
    remoteStatic: hex(vector.init_remote_static),
    ephemeral: keyPairOf(hex(vector.init_ephemeral)),
    payload: hex(first!.payload),
  })!;
  assert.deepEqual(initiation.message, hex(first!.ciphertext));
  const response = respond({
    prologue: hex(vector.resp_prologue),
    static: keyPairOf(hex(vector.resp_static)),
    message: hex(first!.ciphertext),
  })!;
  assert.deepEqual(response.payload, hex(first!.payload));
  assert.deepEqual(response.remoteStatic, keyPairOf(hex(vector.init_static)).publicKey);
  const responder = response.write(hex(second!.payload), keyPairOf(hex(vector.resp_ephemeral)));
  assert.deepEqual(responder.message, hex(second!.ciphertext));
  const initiator = initiation.readResponse(responder.message)!;
  assert.deepEqual(initiator.payload, hex(second!.payload));
  assert.deepEqual(initiator.hash, responder.hash);
  if (vector.handshake_hash) assert.deepEqual(initiator.hash, hex(vector.handshake_hash));
  rest.forEach(({ payload, ciphertext }, index) => {
    const [from, to] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
    const counter = Math.floor(index / 2);
    const none = new Uint8Array();
    assert.deepEqual(chaChaPoly(from.send).seal(counter, none, hex(payload)), hex(ciphertext));
    assert.deepEqual(chaChaPoly(to.receive).open(counter, none, hex(ciphertext)), hex(payload));
  });
}

describe("official vectors", () => {
  it("are of this protocol, and hold transport messages", () => {
    assert.equal(file.protocol_name, PROTOCOL_NAME);
    assert.equal(file.vectors.length, 3);
    for (const { messages } of file.vectors) assert.ok(messages.length >= 4);
  });
  for (const vector of file.vectors) it(vector.source, () => runVector(vector));
});

const runs = { numRuns: 60 };
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 200 });
const [alice, bob, eve] = [1, 2, 3].map((byte) => keyPairOf(new Uint8Array(32).fill(byte))) as [
  KeyPair,
  KeyPair,
  KeyPair,
];
const prologue = new TextEncoder().encode("a test");
const payload = Uint8Array.of(1, 2, 3);

function begun() {
  return initiate({ prologue, static: alice, remoteStatic: bob.publicKey, payload })!;
}
function answered(message: Uint8Array) {
  return respond({ prologue, static: bob, message });
}

describe("Noise IK", () => {
  it("any two parties agree on keys, hash, payloads and each other's static key", () => {
    fc.assert(
      fc.property(secret, secret, bytes, bytes, bytes, (one, two, about, first, second) => {
        const [a, b] = [keyPairOf(one), keyPairOf(two)];
        const initiation = initiate({
          prologue: about,
          static: a,
          remoteStatic: b.publicKey,
          payload: first,
        })!;
        const response = respond({ prologue: about, static: b, message: initiation.message })!;
        assert.deepEqual(response.payload, first);
        assert.deepEqual(response.remoteStatic, a.publicKey);
        const ofB = response.write(second);
        const ofA = initiation.readResponse(ofB.message)!;
        assert.deepEqual(ofA.payload, second);
        assert.deepEqual([ofA.send, ofA.receive, ofA.hash], [ofB.receive, ofB.send, ofB.hash]);
        assert.notDeepEqual(ofA.send, ofA.receive);
        assert.equal(initiation.message.length, first.length + MESSAGE_1_OVERHEAD);
        assert.equal(ofB.message.length, second.length + MESSAGE_2_OVERHEAD);
      }),
      runs,
    );
  });

  it("no message 1 opens with a bit flipped, cut short or lengthened", () => {
    const { message } = begun();
    fc.assert(
      fc.property(fc.nat({ max: message.length * 8 - 1 }), (bit) => {
        assert.equal(answered(flipped(message, bit)), undefined);
        assert.equal(answered(message.subarray(0, bit >> 3)), undefined);
      }),
      runs,
    );
    assert.equal(answered(Uint8Array.of(...message, 0)), undefined);
    assert.notEqual(answered(message), undefined);
  });

  it("no message 2 opens with a bit flipped or cut short, and the true one still opens after it", () => {
    const initiation = begun();
    const { message } = answered(initiation.message)!.write(payload);
    fc.assert(
      fc.property(fc.nat({ max: message.length * 8 - 1 }), (bit) => {
        assert.equal(initiation.readResponse(flipped(message, bit)), undefined);
        assert.equal(initiation.readResponse(message.subarray(0, bit >> 3)), undefined);
      }),
      runs,
    );
    assert.deepEqual(initiation.readResponse(message)?.payload, payload);
  });

  it("random bytes are never a handshake", () => {
    const initiation = begun();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        assert.equal(answered(noise), undefined);
        assert.equal(initiation.readResponse(noise), undefined);
      }),
      runs,
    );
  });

  it("another prologue, another responder and another initiator's answer are refused", () => {
    const initiation = begun();
    const { message } = initiation;
    assert.equal(respond({ prologue: Uint8Array.of(...prologue, 0), static: bob, message }), undefined);
    assert.equal(respond({ prologue, static: eve, message }), undefined);
    const other = answered(begun().message)!.write(payload);
    assert.equal(initiation.readResponse(other.message), undefined);
  });

  it("nobody answers in the responder's name, not even from its message 1", () => {
    const initiation = begun();
    const forged = initiate({ prologue, static: eve, remoteStatic: bob.publicKey, payload })!;
    const ofBob = answered(forged.message)!.write(payload);
    assert.equal(initiation.readResponse(ofBob.message), undefined);
    assert.equal(initiation.readResponse(initiation.message), undefined);
  });

  it("the keys of a handshake come out once", () => {
    const initiation = begun();
    const response = answered(initiation.message)!;
    const { message } = response.write(payload);
    assert.throws(() => response.write(payload), TypeError);
    assert.notEqual(initiation.readResponse(message), undefined);
    assert.equal(initiation.readResponse(message), undefined);
  });

  it("what was forgotten neither reads nor answers", () => {
    const initiation = begun();
    const response = answered(initiation.message)!;
    const { message } = answered(initiation.message)!.write(payload);
    initiation.forget();
    response.forget();
    assert.equal(initiation.readResponse(message), undefined);
    assert.throws(() => response.write(payload), TypeError);
  });

  it("a record that names a useless link key yields no handshake", () => {
    for (const remoteStatic of [new Uint8Array(32), new Uint8Array(31).fill(9), new Uint8Array()]) {
      assert.equal(initiate({ prologue, static: alice, remoteStatic, payload }), undefined);
    }
  });

  it("carries payloads up to the limit and tells the caller about longer ones", () => {
    const most = new Uint8Array(MAX_NOISE_MESSAGE - MESSAGE_1_OVERHEAD);
    const initiation = initiate({ prologue, static: alice, remoteStatic: bob.publicKey, payload: most })!;
    assert.equal(answered(initiation.message)?.payload.length, most.length);
    const options = {
      prologue,
      static: alice,
      remoteStatic: bob.publicKey,
      payload: new Uint8Array(most.length + 1),
    };
    assert.throws(() => initiate(options), RangeError);
  });

  it("each attempt has its own ephemeral key", () => {
    assert.notDeepEqual(begun().message.subarray(0, 32), begun().message.subarray(0, 32));
    assert.notDeepEqual(generateLinkKey().publicKey, generateLinkKey().publicKey);
  });
});
