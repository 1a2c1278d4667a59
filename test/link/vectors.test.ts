import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { CipherId } from "../../src/link/ciphers.ts";
import { keyPairOf } from "../../src/link/dh.ts";
import { Epoch } from "../../src/link/epoch.ts";
import { decodeFrames, encodeNumbered, type Numbered } from "../../src/link/frames.ts";
import { type Local, openInit, readAnswer } from "../../src/link/greeting.ts";
import { initiate, respond } from "../../src/link/noise.ts";
import {
  type InitPacket,
  readPacket,
  type ResponsePacket,
  type TransportPacket,
} from "../../src/link/packet.ts";
import { decode } from "../../src/wire/cbor.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { parseCddl } from "../wire/cddl.ts";
import { hex } from "./hex.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const vectors = JSON.parse(read("./vectors/link.json"));
const cddl = parseCddl(read("../../src/link/link.cddl"));
const { handshake } = vectors;
const matches = (rule: string, bytes: Uint8Array): boolean => {
  const value = decode(bytes);
  return value !== undefined && cddl.get(rule)!(value);
};

describe("link.json", () => {
  for (const { name, hex: text } of vectors.frames) {
    it(`${name} is read, written again as it was, and as the CDDL says`, () => {
      const [frame] = decodeFrames(hex(text))!;
      assert.ok(frame);
      if ("seq" in frame) {
        assert.deepEqual(joinBytes(encodeNumbered(frame as Numbered, frame.seq)), hex(text));
      }
      assert.ok(matches("link-frame", hex(text)));
    });
  }

  for (const { name, hex: text } of vectors.extended) {
    it(`${name} is accepted`, () => {
      assert.ok(decodeFrames(hex(text)));
      assert.ok(matches("link-frame", hex(text)));
    });
  }

  for (const { why, hex: text } of vectors.invalid) {
    it(`refuses ${why}`, () => assert.equal(decodeFrames(hex(text)), undefined));
  }

  it("has the hints", () => {
    assert.deepEqual(readPacket(hex(vectors.hints.unknown)), { kind: "unknown", epoch: 0x77777777 });
    const refused = readPacket(hex(vectors.hints.refused));
    assert.deepEqual(refused, { kind: "refused", handshake: hex(handshake.handshake), reason: 66 });
  });
});

const init = readPacket(hex(handshake.init)) as InitPacket;
const response = readPacket(hex(handshake.response)) as ResponsePacket;

/** Both sides' handshakes, done anew from the keys. */
function shake() {
  const { initiator, responder } = handshake;
  const keys = (secret: string) => keyPairOf(hex(secret));
  const initiation = initiate({
    prologue: hex(handshake.prologue),
    static: keys(initiator.linkSecret),
    remoteStatic: hex(responder.linkKey),
    payload: hex(handshake.greeting),
    ephemeral: keys(initiator.ephemeralSecret),
  })!;
  const answered = respond({
    prologue: hex(handshake.prologue),
    static: keys(responder.linkSecret),
    message: initiation.message,
  })!.write(hex(handshake.answer), keys(responder.ephemeralSecret));
  return { initiation, answered: { ...answered, cipher: CipherId.chaChaPoly } };
}

describe("the handshake of link.json", () => {
  it("gives these packets", () => {
    const { initiation, answered } = shake();
    assert.deepEqual(
      init.message,
      new Uint8Array([...hex(handshake.initiator.instance), ...initiation.message]),
    );
    assert.deepEqual(response.message, answered.message);
    assert.ok(matches("prologue", hex(handshake.prologue)));
    assert.ok(matches("greeting", hex(handshake.greeting)));
    assert.ok(matches("answer", hex(handshake.answer)));
  });

  it("seals these transport packets, and opens them", () => {
    const { initiation, answered } = shake();
    const name = hex(handshake.handshake);
    const ofA = new Epoch({
      handshake: name,
      keys: { ...initiation.readResponse(response.message)!, cipher: CipherId.chaChaPoly },
      initiated: true,
      createdAt: 0,
    });
    const ofB = new Epoch({ handshake: name, keys: answered, initiated: false, createdAt: 0 });
    for (const { from, plaintext, packet } of handshake.transport) {
      const [sealer, opener] = from === "initiator" ? [ofA, ofB] : [ofB, ofA];
      assert.deepEqual(sealer.seal(hex(plaintext)), hex(packet));
      assert.deepEqual(opener.open(readPacket(hex(packet)) as TransportPacket), hex(plaintext));
    }
  });

  it("is read by this implementation: the greeting is verified, the answer understood", async () => {
    const { responder, initiator } = handshake;
    const local = {
      key: hex(responder.peer),
      instance: hex(responder.instance),
      linkKey: keyPairOf(hex(responder.linkSecret)),
      network: handshake.network,
    } as Local;
    const opened = openInit(local, hex(initiator.peer), init)!;
    const greeting = (await opened.verify(opened.time))!;
    assert.deepEqual(greeting.record.peer, hex(initiator.peer));
    assert.deepEqual(decodeFrames(greeting.frames)!.map(({ kind }) => kind), ["message"]);
    const { initiation } = shake();
    const attempt = {
      handshake: init.handshake,
      packet: hex(handshake.init),
      initiation,
      ciphers: greeting.ciphers,
    };
    assert.deepEqual(greeting.ciphers, [CipherId.chaChaPoly, CipherId.aesGcm]);
    const { answer, keys } = readAnswer(attempt, response)!;
    assert.deepEqual([answer.reason, keys.cipher], [0, CipherId.chaChaPoly]);
    assert.equal(openInit(local, hex(responder.peer), init), undefined, "the frame named another source");
    assert.equal(openInit({ ...local, network: "other" }, hex(initiator.peer), init), undefined);
    assert.equal(openInit({ ...local, instance: new Uint8Array(16) }, hex(initiator.peer), init), undefined);
  });
});
