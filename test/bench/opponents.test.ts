import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { concatFrames } from "../../src/wire/sequence.ts";
import { FrameReader, type Framing } from "./frame_reader.ts";
import {
  boxKey,
  clientInfo,
  DERP_MAGIC,
  derpFrame,
  derpFraming,
  sendPacket,
  serverKey,
} from "./opponents/derp_frames.ts";
import { irohDatagram, irohSigned } from "./opponents/iroh_relay.ts";
import { messageSize, natsFraming, publish } from "./opponents/nats.ts";
import { offer } from "./opponents/peerjs.ts";
import { allocate, answer, channelBind, channelData, turnFraming } from "./opponents/turn_frames.ts";
import { clientMessage, headSize, payloadSize } from "./opponents/web_socket.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text: string) => Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
const ascii = (text: string) => new TextEncoder().encode(text);

/** What a reader makes of a stream that arrives in such pieces. */
function read(framing: (other: (frame: Uint8Array) => void) => Framing, stream: Uint8Array, cuts: number[]) {
  const seen = { count: 0, others: [] as string[] };
  const reader = new FrameReader(
    framing((frame) => seen.others.push(hex(frame))),
    (count) => seen.count += count,
  );
  const ends = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  [0, ...ends].forEach((start, index) => reader.push(stream.subarray(start, ends[index] ?? stream.length)));
  return seen;
}

describe("the reader of frames", () => {
  it("counts and reads the same, wherever the stream is cut", () => {
    const frame = fc.record({ type: fc.constantFrom(5, 6, 0x12), size: fc.nat(70) });
    fc.assert(fc.property(fc.array(frame), fc.array(fc.nat(2000)), (frames, cuts) => {
      const encoded = frames.map(({ type, size }) => derpFrame(type, new Uint8Array(size).fill(7)));
      const seen = read(derpFraming, concatFrames([...encoded, new Uint8Array(0)]), cuts);
      assert.equal(seen.count, frames.filter(({ type }) => type === 5).length);
      assert.deepEqual(seen.others, encoded.filter((each) => each[0] !== 5).map(hex));
    }));
  });
});

describe("DERP", () => {
  // The keys of RFC 7748 §6.1, which NaCl's own tests use.
  const ALICE = bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const BOB_PUBLIC = bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");

  it("shares the key that NaCl's crypto_box shares (tests/core1 of NaCl)", () => {
    assert.equal(
      hex(boxKey(ALICE, BOB_PUBLIC)),
      "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389",
    );
  });

  it("has a type, a length of four bytes and a body", () => {
    assert.equal(hex(derpFrame(0x13, Uint8Array.of(1, 2), Uint8Array.of(3))), "1300000003010203");
    assert.equal(
      hex(sendPacket(new Uint8Array(32).fill(0xaa), Uint8Array.of(9))),
      "0400000021" + "aa".repeat(32) + "09",
    );
  });
  it("tells the server's key from anything else", () => {
    const key = new Uint8Array(32).fill(3);
    assert.deepEqual(serverKey(derpFrame(1, DERP_MAGIC, key)), key);
    assert.deepEqual(serverKey(derpFrame(1, DERP_MAGIC, key, Uint8Array.of(1))), key);
    assert.equal(serverKey(derpFrame(1, DERP_MAGIC, key.subarray(1))), undefined);
    assert.equal(serverKey(derpFrame(1, ascii("derp1234"), key)), undefined);
    assert.equal(serverKey(derpFrame(2, DERP_MAGIC, key)), undefined);
  });
  it("seals the client's information for the server alone", () => {
    const server = x25519.utils.randomSecretKey();
    const nonce = new Uint8Array(24).fill(5);
    const body = clientInfo(ALICE, x25519.getPublicKey(server), nonce).subarray(5);
    assert.deepEqual(body.slice(0, 32), x25519.getPublicKey(ALICE));
    assert.deepEqual(body.slice(32, 56), nonce);
    const open = (secret: Uint8Array) =>
      xsalsa20poly1305(boxKey(secret, x25519.getPublicKey(ALICE)), nonce).decrypt(body.subarray(56));
    assert.equal(new TextDecoder().decode(open(server)), '{"version":2}');
    assert.throws(() => open(x25519.utils.randomSecretKey()));
    assert.throws(() => clientInfo(ALICE, x25519.getPublicKey(server), nonce.subarray(1)), RangeError);
  });
});

describe("iroh's relay protocol", () => {
  it("signs 32 bytes derived from the challenge, never the challenge", () => {
    const [one, other] = [irohSigned(new Uint8Array(16)), irohSigned(new Uint8Array(16).fill(1))];
    // What iroh-relay 1.4.1 accepts a signature of.
    assert.equal(hex(one), "8105e7bd9963194e6d6d80225a3f1b071da3b6e65edcd12531e16233f33de9d6");
    assert.notDeepEqual(one, other);
  });
  it("sends a datagram as kind, key, congestion marks, bytes", () => {
    assert.equal(
      hex(irohDatagram(new Uint8Array(32).fill(0xbb), Uint8Array.of(1))),
      "04" + "bb".repeat(32) + "0001",
    );
  });
});

describe("NATS", () => {
  it("publishes a line, the payload and the end of a line", () => {
    assert.equal(new TextDecoder().decode(publish("a.b", ascii("hey"))), "PUB a.b 3\r\nhey\r\n");
  });
  it("counts messages of the expected size between lines that are read", () => {
    const message = "MSG s 1 3\r\nM\r\n\r\n";
    assert.equal(messageSize("s", 3), message.length);
    const lines: string[] = [];
    const stream = ascii(`INFO {}\r\n${message}${message}PING\r\n${message}`);
    const framing = () => natsFraming(() => message.length, (line) => lines.push(line));
    assert.equal(read(framing, stream, [3, 9, 12, 40]).count, 3);
    assert.deepEqual(lines, ["INFO {}", "PING"]);
  });
});

describe("PeerJS", () => {
  it("offers letters to a peer, in a text message of JSON", () => {
    const message = offer("bob", 3);
    assert.equal(message[0], 0x81);
    assert.equal(
      new TextDecoder().decode(message.subarray(6)),
      '{"type":"OFFER","dst":"bob","payload":"xxx"}',
    );
  });
});

describe("the WebSocket client", () => {
  it("masks with zero, and writes each of the three lengths (RFC 6455 §5.2)", () => {
    assert.equal(hex(clientMessage(Uint8Array.of(7))), "82810000000007");
    assert.equal(hex(clientMessage(new Uint8Array(126)).subarray(0, 8)), "82fe007e00000000");
    assert.equal(hex(clientMessage(new Uint8Array(65_536)).subarray(0, 14)), "82ff000000000001000000000000");
  });
  it("reads the length of what a server sends, at any offset, once its head is there", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), fc.nat(20), (size, before) => {
        // The same but for the mask, whose bit and four bytes a server leaves out.
        const message = clientMessage(new Uint8Array(size));
        message[1]! &= 127;
        const stream = concatFrames([new Uint8Array(before), message]);
        assert.equal(headSize(stream, before), message.length - size - 4);
        assert.equal(payloadSize(stream, before), size);
        assert.equal(headSize(stream.subarray(0, before + 1), before), 0);
      }),
    );
  });
});

describe("TURN over TCP", () => {
  it("counts data and reads messages, padded to four bytes, wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(70), fc.constant("message"))),
        fc.array(fc.nat(2000)),
        (items, cuts) => {
          const message = channelBind({ ip: Uint8Array.of(127, 0, 0, 1), port: 49_152 });
          const stream = items.map((item) =>
            typeof item === "number" ? channelData(new Uint8Array(item)) : message
          );
          const seen = read(turnFraming, concatFrames([...stream, new Uint8Array(0)]), cuts);
          assert.equal(seen.count, items.filter((item) => typeof item === "number").length);
          assert.deepEqual(
            seen.others,
            items.filter((item) => item === "message").map(() => hex(message)),
          );
        },
      ),
    );
  });

  it("asks for a relayed address that speaks UDP, as RFC 8656 §18.8 writes it", () => {
    const request = hex(allocate());
    assert.match(request, /^000300082112a442[0-9a-f]{24}0019000411000000$/);
  });

  it("names the method that a server refuses", () => {
    const refused = allocate();
    refused[0] = 1;
    refused[1] = 0x13; // the class "error" (RFC 8489 §5)
    assert.throws(() => answer(refused), /refused method 3/);
  });
});
