import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressText, parseAddress } from "../../src/stun/address.ts";
import { type Answer, answer, type Site } from "../../src/stun/answer.ts";
import {
  Attribute,
  attribute,
  decodeMessage,
  encodeMessage,
  type StunMessage,
} from "../../src/stun/message.ts";
import { checkFingerprint, withFingerprint } from "../../src/stun/protection.ts";
import { bindingRequest, readAnswer } from "../../src/stun/transaction.ts";
import { readAddress, readErrorCode } from "../../src/stun/values.ts";

const transaction = new Uint8Array(12).fill(9);
const v4 = parseAddress("198.51.100.7", 40_000)!;
const v6 = parseAddress("2001:db8::7", 40_000)!;
const ip = (text: string): Uint8Array => parseAddress(text, 0)!.ip;
const spot = { address: 0, port: 0 };
const plain: Site = { addresses: [undefined], ports: [3478] };
const twoPorts: Site = { addresses: [ip("192.0.2.1")], ports: [3478, 3479] };
const whole: Site = { addresses: [ip("192.0.2.1"), ip("192.0.2.2")], ports: [3478, 3479] };

const request = (attributes: { type: number; value: Uint8Array }[] = []): Uint8Array =>
  encodeMessage({ class: "request", method: 1, transaction, attributes });
const answered = (bytes: Uint8Array, source = v4, site = plain): Answer => {
  const reply = answer(bytes, source, site, spot);
  assert(typeof reply !== "string", String(reply));
  return reply;
};
const read = ({ bytes }: Answer): StunMessage => decodeMessage(bytes) as StunMessage;
const mapped = (reply: Answer): string => {
  const read = readAnswer(reply.bytes, transaction);
  assert(read?.type === "mapped");
  return addressText(read.mapped);
};

describe("a STUN server", () => {
  it("tells the sender's address, over IPv4 and IPv6", () => {
    assert.equal(mapped(answered(bindingRequest(transaction), v4)), "198.51.100.7:40000");
    assert.equal(mapped(answered(bindingRequest(transaction), v6)), "[2001:db8::7]:40000");
  });
  it("never answers with more bytes than the request has, but for the bare minimum of the RFC", () => {
    const attributes = fc.array(
      fc.record({
        type: fc.constantFrom(0x8022, 0x8099, 0x0006, 0x0099, 0x0026, 0x0027, 0x0003),
        value: fc.uint8Array({ maxLength: 60 }),
      }),
      { maxLength: 6 },
    );
    const site = fc.constantFrom(plain, twoPorts, whole);
    fc.assert(
      fc.property(attributes, fc.boolean(), fc.constantFrom(v4, v6), site, (some, sealed, source, site) => {
        const bytes = sealed ? withFingerprint(request(some)) : request(some);
        const reply = answer(bytes, source, site, spot);
        if (typeof reply === "string") return;
        const minimum = source.ip.length === 4 ? 32 : 44;
        const least = reply.outcome === "success" ? minimum : 44;
        assert(reply.bytes.length <= Math.max(bytes.length, least));
        assert(reply.bytes.length - bytes.length <= minimum - 20, "12 bytes more over IPv4, 24 over IPv6");
      }),
    );
  });
  it("never answers our own client with more bytes than it asked with", () => {
    for (const source of [v4, v6]) {
      const six: Site = { addresses: [ip("2001:db8::1"), ip("2001:db8::2")], ports: [1, 2] };
      const asked = bindingRequest(transaction);
      const reply = answered(asked, source, source === v4 ? whole : six);
      assert(reply.bytes.length <= asked.length);
      assert.equal(checkFingerprint(reply.bytes), "valid");
      assert(attribute(read(reply), Attribute.otherAddress));
      assert(attribute(read(reply), Attribute.responseOrigin));
    }
  });
  it("answers a bare request with 32 bytes, or 44 over IPv6, and says nothing of itself", () => {
    assert.equal(answered(request(), v4, whole).bytes.length, 32);
    assert.equal(answered(request(), v6, whole).bytes.length, 44);
    assert.equal(answered(withFingerprint(request()), v4, whole).bytes.length, 32);
    const long = answered(bindingRequest(transaction), v4, whole);
    assert.equal(attribute(read(long), Attribute.software), undefined);
  });
  it("refuses required attributes that it does not know, and names them", () => {
    const reply = answered(
      request([0x0026, 0x0027, 0x8099].map((type) => ({ type, value: new Uint8Array(4) }))),
    );
    assert.equal(reply.outcome, "unknown-attribute");
    const message = read(reply);
    assert.equal(message.class, "error");
    assert.equal(readErrorCode(attribute(message, Attribute.errorCode)!), 420);
    assert.deepEqual(attribute(message, Attribute.unknownAttributes), Uint8Array.of(0, 0x26, 0, 0x27));
  });
  it("does not answer what is no request, nor who cannot be answered", () => {
    const kind = (name: "indication" | "success") =>
      encodeMessage({ class: name, method: 1, transaction, attributes: [] });
    const silence = (bytes: Uint8Array, source = v4, site = plain) => answer(bytes, source, site, spot);
    assert.equal(silence(kind("indication")), "not-a-request");
    assert.equal(silence(kind("success")), "not-a-request");
    const allocate = encodeMessage({ class: "request", method: 3, transaction, attributes: [] });
    assert.equal(silence(allocate), "unknown-method");
    assert.equal(silence(request(), { ...v4, port: 0 }), "bad-source");
    assert.equal(silence(request(), parseAddress("192.0.2.1", 3479)!, twoPorts), "own-address");
    const sealed = withFingerprint(request());
    assert.equal(silence(sealed.with(27, sealed[27]! ^ 1)), "wrong-fingerprint");
    assert.equal(silence(request([{ type: 3, value: new Uint8Array(3) }])), "bad-change");
  });
  it("never throws, whatever the bytes", () => {
    const header = request();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
      if (framed && bytes.length >= 20) {
        bytes.set(header.subarray(0, 8));
        new DataView(bytes.buffer, bytes.byteOffset).setUint16(2, bytes.length - 20);
      }
      answer(bytes, v4, whole, spot);
    }));
  });
});

describe("RFC 5780", () => {
  const wish = (ip: boolean, port: boolean) => bindingRequest(transaction, { ip, port });

  it("with two addresses and two ports: any of the four sockets answers, as asked", () => {
    const from = (ip: boolean, port: boolean) => answered(wish(ip, port), v4, whole).from;
    assert.deepEqual(from(false, false), { address: 0, port: 0 });
    assert.deepEqual(from(false, true), { address: 0, port: 1 });
    assert.deepEqual(from(true, false), { address: 1, port: 0 });
    assert.deepEqual(from(true, true), { address: 1, port: 1 });
    const message = read(answered(wish(true, true), v4, whole));
    const told = (type: number) => addressText(readAddress(attribute(message, type)!)!);
    assert.equal(told(Attribute.otherAddress), "192.0.2.2:3479");
    assert.equal(told(Attribute.responseOrigin), "192.0.2.2:3479");
  });
  it("with two ports of one address: the port changes, the address is refused, no other address is claimed", () => {
    const changed = answered(wish(false, true), v4, twoPorts);
    assert.deepEqual(changed.from, { address: 0, port: 1 });
    assert.equal(attribute(read(changed), Attribute.otherAddress), undefined);
    assert.equal(answered(wish(true, false), v4, twoPorts).outcome, "unknown-attribute");
    assert.equal(answered(wish(true, true), v4, twoPorts).outcome, "unknown-attribute");
  });
  it("with one socket: every change is refused, a request for none is not", () => {
    assert.equal(answered(wish(false, true)).outcome, "unknown-attribute");
    assert.equal(answered(wish(false, false)).outcome, "success");
  });
});
