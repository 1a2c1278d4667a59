import assert from "node:assert/strict";
import { versions } from "node:process";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  agreeOn,
  CHACHA_ALONE,
  CipherId,
  type Ciphers,
  OWN_CIPHERS,
  preference,
} from "../../src/link/ciphers.ts";
import { secureRandom } from "../../src/link/dh.ts";
import { Epoch } from "../../src/link/epoch.ts";
import { type Attempt, greet, type Local, openInit, readAnswer } from "../../src/link/greeting.ts";
import { initiate, respond } from "../../src/link/noise.ts";
import {
  type InitPacket,
  readPacket,
  type ResponsePacket,
  type TransportPacket,
  writeResponse,
} from "../../src/link/packet.ts";
import { encode, type Value } from "../../src/wire/cbor.ts";
import { readRecord } from "../../src/wire/record.ts";
import { fixedPeer, TIME } from "./fixed_peer.ts";
import { flipped } from "./hex.ts";

const { chaChaPoly, aesGcm } = CipherId;
/** A browser, Node and Deno, Bun. */
const KINDS: Ciphers[] = [CHACHA_ALONE, [chaChaPoly, aesGcm], [aesGcm, chaChaPoly]];
const WORDS = { conversation: new Uint8Array(16), continues: false, frames: new Uint8Array() };
const ACCEPTED = { time: TIME, reason: 0, text: "", frames: new Uint8Array() };

async function process(seed: number, ciphers: Ciphers) {
  const { identity, linkKey, instance, record } = await fixedPeer(seed);
  const local: Local = {
    key: identity.publicKey,
    instance,
    linkKey,
    network: "main",
    ciphers,
    random: secureRandom,
    record: () => record,
    stamp: () => TIME,
  };
  return { local, record: readRecord(record)! };
}

/** Greets; `b` answers. */
async function shake(ofA: Ciphers, ofB: Ciphers) {
  const [a, b] = [await process(1, ofA), await process(2, ofB)];
  const attempt = greet(a.local, b.record, WORDS)!;
  const opened = openInit(b.local, a.local.key, readPacket(attempt.packet) as InitPacket)!;
  return { attempt, answered: opened.answer(ACCEPTED) };
}

const read = (attempt: Attempt, packet: Uint8Array) =>
  readAnswer(attempt, readPacket(packet) as ResponsePacket);

describe("the cipher of a link", () => {
  it("is AES-GCM where both have it and one of them has no ChaCha20 of its own", () => {
    const [browser, node, bun] = KINDS as [Ciphers, Ciphers, Ciphers];
    for (const other of KINDS) assert.equal(agreeOn(browser, other), chaChaPoly);
    assert.equal(agreeOn(node, node), chaChaPoly);
    assert.equal(agreeOn(node, bun), aesGcm);
    assert.equal(agreeOn(bun, bun), aesGcm);
  });

  it("is the same whoever dials, and one that both bear", () => {
    const kind = fc.constantFrom(...KINDS);
    fc.assert(fc.property(kind, kind, (a, b) => {
      const cipher = agreeOn(a, b);
      assert.equal(agreeOn(b, a), cipher);
      assert.ok(a.includes(cipher) && b.includes(cipher));
    }));
  });

  it("is what a runtime has; Bun has AES-GCM alone, Node and Deno both", () => {
    assert.deepEqual(preference(false, false), CHACHA_ALONE);
    assert.deepEqual([preference(true, false), preference(true, true), preference(false, true)], KINDS);
    assert.deepEqual(OWN_CIPHERS, versions["bun"] ? KINDS[2] : KINDS[1]);
  });

  for (const ofA of KINDS) {
    for (const ofB of KINDS) {
      const skip = agreeOn(ofA, ofB) === aesGcm && !OWN_CIPHERS.includes(aesGcm) &&
        "this runtime has no AES-GCM";
      it(`is agreed on by ${ofA} and ${ofB}, and seals both ways`, { skip }, async () => {
        const { attempt, answered } = await shake(ofA, ofB);
        const { keys } = read(attempt, answered.packet)!;
        assert.deepEqual([keys.cipher, answered.keys.cipher], [agreeOn(ofA, ofB), agreeOn(ofA, ofB)]);
        const made = { handshake: attempt.handshake, createdAt: 0 };
        const a = new Epoch({ ...made, keys, initiated: true });
        const b = new Epoch({ ...made, keys: answered.keys, initiated: false });
        for (const [from, to] of [[a, b], [b, a], [a, b]] as const) {
          const packet = readPacket(from.seal(Uint8Array.of(7))) as TransportPacket;
          assert.deepEqual(to.open(packet), Uint8Array.of(7));
        }
      });
    }
  }

  const prologueOf = (handshake: Uint8Array, a: Local, b: Local) =>
    encode(["waymeet.1 link", 1, handshake, "main", a.key, b.key, a.instance, b.instance]);

  /** What becomes of an answer that another implementation wrote. */
  async function answeredWith(ofA: Ciphers, payload: Value[]) {
    const [a, b] = [await process(1, ofA), await process(2, CHACHA_ALONE)];
    const attempt = greet(a.local, b.record, WORDS)!;
    const { handshake, message } = readPacket(attempt.packet) as InitPacket;
    const prologue = prologueOf(handshake, a.local, b.local);
    const response = respond({ prologue, static: b.local.linkKey, message: message.subarray(16) })!;
    return read(attempt, writeResponse(handshake, response.write(encode(payload)).message));
  }

  it("is ChaCha20-Poly1305 with a responder of an earlier version, which says nothing", async () => {
    const read = await answeredWith(KINDS[2]!, [TIME, 0, "", new Uint8Array()]);
    assert.equal(read?.keys.cipher, chaChaPoly);
  });

  it("cannot be changed by whoever carries the handshake", async () => {
    const [a, b] = [await process(1, KINDS[2]!), await process(2, KINDS[1]!)];
    const attempt = greet(a.local, b.record, WORDS)!;
    const open = (packet: Uint8Array) => openInit(b.local, a.local.key, readPacket(packet) as InitPacket);
    const answered = open(attempt.packet)!.answer(ACCEPTED);
    const sealedFrom = 8; // the type is in clear: another one is another packet
    fc.assert(
      fc.property(fc.nat(), (bit) => {
        const at = (packet: Uint8Array) => sealedFrom + bit % (8 * packet.length - sealedFrom);
        assert.equal(open(flipped(attempt.packet, at(attempt.packet))), undefined);
        const answer = readPacket(flipped(answered.packet, at(answered.packet))) as ResponsePacket;
        const named = answer.handshake.join() === attempt.handshake.join();
        assert.equal(named ? readAnswer(attempt, answer) : undefined, undefined);
      }),
      { numRuns: 60 },
    );
    assert.equal(read(attempt, answered.packet)?.keys.cipher, aesGcm);
  });

  it("is never one that was not offered", async () => {
    for (const chosen of [aesGcm, 2, "1", null]) {
      assert.equal(await answeredWith(CHACHA_ALONE, [TIME, 0, "", new Uint8Array(), chosen]), undefined);
    }
  });

  /** What this implementation makes of a greeting that another one wrote. */
  async function greetedWith(...offered: Value[]) {
    const [a, b] = [await process(1, CHACHA_ALONE), await process(2, KINDS[2]!)];
    const { body, signature } = a.local.record();
    const [handshake, instance] = [new Uint8Array(8), a.local.instance];
    const { message } = initiate({
      prologue: prologueOf(handshake, a.local, b.local),
      static: a.local.linkKey,
      remoteStatic: b.local.linkKey.publicKey,
      payload: encode([TIME, 0, WORDS.conversation, body, signature, WORDS.frames, ...offered]),
    })!;
    const init: InitPacket = { kind: "init", handshake, message: Uint8Array.of(...instance, ...message) };
    return openInit(b.local, a.local.key, init)?.answer(ACCEPTED).keys.cipher;
  }

  it("is ChaCha20-Poly1305 for an initiator of an earlier version, and later ones may offer more", async () => {
    assert.equal(await greetedWith(), chaChaPoly);
    assert.equal(await greetedWith(TIME), chaChaPoly);
    assert.equal(await greetedWith(TIME, [7, aesGcm, chaChaPoly]), aesGcm);
    assert.equal(await greetedWith(TIME, [9, "x"]), chaChaPoly);
    assert.equal(await greetedWith(TIME, aesGcm), undefined);
  });
});
