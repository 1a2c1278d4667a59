/**
 * Writes vectors/link.json anew: `node --import tsx test/link/make_vectors.ts`. The
 * handshake has fixed keys throughout, ephemeral ones too, so every byte is fixed.
 */
import { writeFileSync } from "node:fs";
import { CipherId } from "../../src/link/ciphers.ts";
import { keyPairOf } from "../../src/link/dh.ts";
import { Epoch, type EpochKeys } from "../../src/link/epoch.ts";
import {
  ASK,
  encodeAck,
  encodeChallenge,
  encodeNumbered,
  encodeProbe,
  type Unnumbered,
} from "../../src/link/frames.ts";
import { encodeAnswer, encodeGreeting, prologue } from "../../src/link/greeting.ts";
import { initiate, respond } from "../../src/link/noise.ts";
import { writeInit, writeRefused, writeResponse, writeUnknown } from "../../src/link/packet.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { filled, type FixedPeer, fixedPeer, TIME } from "./fixed_peer.ts";
import { sample } from "./wire_between.ts";

const text = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const id = filled(16, 0xaa);

const numbered: Record<string, [Unnumbered, number]> = {
  "a whole message": [
    { kind: "message", id, size: 5, asks: true, bytes: new TextEncoder().encode("hello") },
    1,
  ],
  "an empty message": [{ kind: "message", id, size: 0, asks: false, bytes: new Uint8Array() }, 2],
  "a message said in a topic": [
    {
      kind: "message",
      id,
      size: 3,
      asks: false,
      bytes: new TextEncoder().encode("all"),
      tag: filled(32, 0xbb),
    },
    25,
  ],
  "a message continues": [{ kind: "more", bytes: sample(3, 1) }, 300],
  "processed": [{ kind: "processed", id }, 23],
  "a stream begins": [{ kind: "open", stream: 1, label: "photo.jpg" }, 24],
  "bytes of a stream": [{ kind: "bytes", stream: 1, bytes: filled(2, 7) }, 255],
  "a stream ends": [{ kind: "end", stream: 1 }, 256],
  "a writer breaks off": [{ kind: "reset", stream: 2, side: "writer", text: "no" }, 65_536],
  "a reader breaks off": [{ kind: "reset", stream: 2, side: "reader", text: "" }, 4_294_967_296],
  "credit for messages": [{ kind: "credit", stream: 0, limit: 2_097_152 }, 3],
  "credit for a stream": [{ kind: "credit", stream: 5, limit: 1_048_576 }, 4],
  "words about an attempt": [{ kind: "signal", attempt: id, bytes: sample(3, 1) }, 7],
  "close": [{ kind: "close", reason: 64, text: "bye" }, 5],
};

const loose: Record<string, Uint8Array> = {
  "an acknowledgement": encodeAck(7, []),
  "an acknowledgement with gaps": encodeAck(7, [9, 12, 300, 301]),
  "a probe": encodeProbe("probe", 77),
  "the answer to a probe": encodeProbe("probe-ack", 77),
  "a wish to be acknowledged": ASK,
  "a challenge": encodeChallenge("challenge", filled(8, 0xcc)),
  "the answer to a challenge": encodeChallenge("challenge-ack", filled(8, 0xcc)),
};

const invalid: Record<string, string> = {
  "not an array": "01",
  "an empty array": "80",
  "a kind that is no number": "8160",
  "a number with a longer head than it needs": "82180107",
  "an acknowledgement without ranges": "820007",
  "an acknowledgement with half a range": "83000781" + "09",
  "an acknowledgement whose range touches the rest": "8300078207" + "09",
  "an acknowledgement whose range is empty": "830007820909",
  "a numbered kind without number": "8103",
  "a message whose id is short": "860301420102000040",
  "a message that is longer than it says": "86030150" + "aa".repeat(16) + "010042" + "0102",
  "a message above 16 MiB": "86030150" + "aa".repeat(16) + "1a01000001" + "0040",
  "a continuation of nothing": "83040140",
  "stream 0 begins": "8406010060",
  "a third side of a stream": "8509010102" + "60",
  "words about an attempt with half an id": "840c0148" + "aa".repeat(8) + "40",
  "words about an attempt of 8193 bytes": "840c0150" + "aa".repeat(16) + "592001" + "00".repeat(8193),
  "a sequence that breaks off": "8201",
  "a challenge whose token is short": "821147" + "cc".repeat(7),
  "an answer whose token is a number": "821201",
};

async function handshake() {
  const [a, b] = [await fixedPeer(1), await fixedPeer(2)];
  const name = filled(8, 0x77);
  const cipher = CipherId.chaChaPoly;
  const words = {
    time: TIME + 5,
    theirs: TIME + 6,
    ciphers: [cipher, CipherId.aesGcm],
    continues: false,
    conversation: filled(16, 0x55),
  };
  const first = joinBytes(encodeNumbered({
    kind: "message",
    id,
    size: 5,
    asks: false,
    bytes: new TextEncoder().encode("hello"),
  }, 1));
  const bound = prologue(name, "main", a.identity.publicKey, b.identity.publicKey, a.instance, b.instance);
  const greeting = encodeGreeting({ ...words, frames: first }, a.record);
  const answer = encodeAnswer({ time: TIME + 9, reason: 0, text: "", frames: encodeAck(2, []), cipher });
  const ephemeral = (byte: number) => keyPairOf(filled(32, byte));
  const initiation = initiate({
    prologue: bound,
    static: a.linkKey,
    remoteStatic: b.linkKey.publicKey,
    payload: greeting,
    ephemeral: ephemeral(0x31),
  })!;
  const message1 = new Uint8Array([...a.instance, ...initiation.message]);
  const response = respond({ prologue: bound, static: b.linkKey, message: initiation.message })!;
  const { message, ...ofB } = response.write(answer, ephemeral(0x32));
  const { payload: _, ...ofA } = initiation.readResponse(message)!;
  return {
    network: "main",
    handshake: text(name),
    initiator: describe(1, 0x31, a),
    responder: describe(2, 0x32, b),
    prologue: text(bound),
    greeting: text(greeting),
    init: text(writeInit(name, message1)),
    answer: text(answer),
    response: text(writeResponse(name, message)),
    transport: transport(name, { ...ofA, cipher }, { ...ofB, cipher }),
  };
}

function describe(
  seed: number,
  ephemeral: number,
  { identity, linkKey, instance, record }: FixedPeer,
) {
  return {
    seed: text(filled(32, seed)),
    peer: text(identity.publicKey),
    linkSecret: text(linkKey.secretKey),
    linkKey: text(linkKey.publicKey),
    ephemeralSecret: text(filled(32, ephemeral)),
    instance: text(instance),
    record: { body: text(record.body), signature: text(record.signature) },
  };
}

function transport(name: Uint8Array, ofA: EpochKeys, ofB: EpochKeys) {
  const a = new Epoch({ handshake: name, keys: ofA, initiated: true, createdAt: 0 });
  const b = new Epoch({ handshake: name, keys: ofB, initiated: false, createdAt: 0 });
  const packet = (from: "initiator" | "responder", plaintext: Uint8Array) => ({
    from,
    plaintext: text(plaintext),
    packet: text((from === "initiator" ? a : b).seal(plaintext)),
  });
  return [
    packet("initiator", encodeAck(1, [])),
    packet("responder", loose["a probe"]!),
    packet("initiator", ASK),
  ];
}

const vectors = {
  frames: [
    ...Object.entries(loose).map(([name, bytes]) => ({ name, hex: text(bytes) })),
    ...Object.entries(numbered).map(([name, [frame, seq]]) => ({
      name,
      hex: text(joinBytes(encodeNumbered(frame, seq))),
    })),
  ],
  extended: [
    { name: "a probe with something more", hex: "83010760" },
    { name: "a numbered frame of a later kind", hex: "830d0960" },
    { name: "a frame of a later kind", hex: "82186360" },
  ],
  invalid: Object.entries(invalid).map(([why, hex]) => ({ why, hex })),
  hints: { unknown: text(writeUnknown(0x77777777)), refused: text(writeRefused(filled(8, 0x77), 66)) },
  handshake: await handshake(),
};
writeFileSync(new URL("./vectors/link.json", import.meta.url), JSON.stringify(vectors, null, 2) + "\n");
