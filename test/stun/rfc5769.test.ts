import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { addressText } from "../../src/stun/address.ts";
import {
  Attribute,
  attribute,
  decodeMessage,
  encodeMessage,
  type StunMessage,
} from "../../src/stun/message.ts";
import {
  checkFingerprint,
  checkIntegrity,
  crc32,
  withFingerprint,
  withIntegrity,
  withIntegritySha256,
} from "../../src/stun/protection.ts";
import { readXorAddress, xorAddressAttribute } from "../../src/stun/values.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const password = utf8("VOkJxbRl1RmTxUk/WvJxBt");
const read = (bytes: Uint8Array): StunMessage => decodeMessage(bytes) as StunMessage;

/** RFC 5769 §2.1–2.4. */
const REQUEST = hex(`00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
  00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf`);
const IPV4 = hex(`0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
  00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96`);
const IPV6 = hex(`01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
  00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
  00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c`);
const LONG_TERM = hex(`00010060 2112a442 78ad3433c6ad72c029da412e
  00060012 e3839ee38388e383aae38383e382afe382b90000
  0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
  0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`);

describe("the vectors of RFC 5769", () => {
  it("2.1: the request is read, and its integrity and fingerprint are valid", () => {
    const message = read(REQUEST);
    assert.equal(message.class, "request");
    assert.equal(message.method, 1);
    assert.deepEqual(attribute(message, Attribute.software), utf8("STUN test client"));
    assert.deepEqual(attribute(message, Attribute.username), utf8("evtj:h6vY"));
    assert.equal(checkIntegrity(REQUEST, password), "valid");
    assert.equal(checkFingerprint(REQUEST), "valid");
  });
  it("2.2 and 2.3: the responses tell the mapped address", () => {
    for (
      const [bytes, address] of [
        [IPV4, "192.0.2.1:32853"],
        [IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"],
      ] as const
    ) {
      const message = read(bytes);
      assert.equal(message.class, "success");
      const mapped = readXorAddress(attribute(message, Attribute.xorMappedAddress)!, message.transaction);
      assert.equal(addressText(mapped!), address);
      assert.equal(checkIntegrity(bytes, password), "valid");
      assert.equal(checkFingerprint(bytes), "valid");
      const again = xorAddressAttribute(mapped!, message.transaction);
      assert.deepEqual(again.value, attribute(message, Attribute.xorMappedAddress));
    }
  });
  it("2.4: long-term credentials", () => {
    const key = createHash("md5").update("マトリックス:example.org:TheMatrIX").digest();
    assert.equal(checkIntegrity(LONG_TERM, key), "valid");
    assert.equal(checkIntegrity(LONG_TERM, utf8("another")), "wrong");
    assert.equal(checkFingerprint(LONG_TERM), "absent");
    // Its padding is zeros, as ours: the whole message is made again, byte for byte.
    const message = read(LONG_TERM);
    const bare = encodeMessage({ ...message, attributes: message.attributes.slice(0, -1) });
    assert.deepEqual(withIntegrity(bare, key), LONG_TERM);
  });
  it("changed in any bit, are refused", () => {
    for (let at = 20; at < REQUEST.length - 8; at++) {
      const changed = REQUEST.slice();
      changed[at]! ^= 1;
      assert.notEqual(checkFingerprint(changed), "valid", `byte ${at}`);
      if (at < REQUEST.length - 32 && typeof decodeMessage(changed) !== "string") {
        assert.notEqual(checkIntegrity(changed, password), "valid", `byte ${at}`);
      }
    }
  });
});

describe("MESSAGE-INTEGRITY-SHA256", () => {
  const bare = encodeMessage({
    class: "request",
    method: 1,
    transaction: new Uint8Array(12).fill(7),
    attributes: [{ type: Attribute.username, value: utf8("abc") }],
  });
  const sealed = withIntegritySha256(bare, password);

  it("is HMAC-SHA-256 over the message with the length up to its own end", () => {
    const covered = bare.slice();
    new DataView(covered.buffer).setUint16(2, bare.length - 20 + 36);
    const expected = new Uint8Array(createHmac("sha256", password).update(covered).digest());
    assert.deepEqual(attribute(read(sealed), Attribute.messageIntegritySha256), expected);
    assert.equal(checkIntegrity(withFingerprint(sealed), password), "valid");
    assert.equal(checkIntegrity(sealed, utf8("another")), "wrong");
  });
  it("may be truncated to 16 bytes and not below", () => {
    const cut = (size: number): Uint8Array => {
      const covered = bare.slice();
      new DataView(covered.buffer).setUint16(2, bare.length - 20 + 4 + size);
      const value = new Uint8Array(createHmac("sha256", password).update(covered).digest()).slice(0, size);
      const { attributes, ...rest } = read(bare);
      return encodeMessage({
        ...rest,
        attributes: [...attributes, { type: Attribute.messageIntegritySha256, value }],
      });
    };
    assert.equal(checkIntegrity(cut(16), password), "valid");
    assert.equal(checkIntegrity(cut(20), password), "valid");
    assert.equal(checkIntegrity(cut(12), password), "wrong");
    assert.equal(checkIntegrity(bare, password), "absent");
  });
});

describe("CRC-32", () => {
  it("has the check value of ITU-T V.42", () => assert.equal(crc32(utf8("123456789")), 0xcbf4_3926));
});
