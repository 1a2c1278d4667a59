import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressText, ipText, parseAddress } from "../../src/stun/address.ts";
import { parseStunUrl, stunUrl } from "../../src/stun/ice_url.ts";
import { decodeMessage, encodeMessage, type MessageClass } from "../../src/stun/message.ts";
import {
  addressAttribute,
  errorAttribute,
  readAddress,
  readChange,
  readErrorCode,
  readXorAddress,
  xorAddressAttribute,
} from "../../src/stun/values.ts";

const sized = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const ip = fc.oneof(sized(4), sized(16));
const address = fc.record({ ip, port: fc.integer({ min: 0, max: 65_535 }) }, { noNullPrototype: true });
const message = fc.record({
  class: fc.constantFrom<MessageClass>("request", "indication", "success", "error"),
  method: fc.integer({ min: 0, max: 0xfff }),
  transaction: sized(12),
  attributes: fc.array(
    fc.record({ type: fc.integer({ min: 0, max: 0xffff }), value: fc.uint8Array({ maxLength: 40 }) }, {
      noNullPrototype: true,
    }),
    { maxLength: 12 },
  ),
}, { noNullPrototype: true });

describe("STUN messages", () => {
  it("are read as they were written", () => {
    fc.assert(fc.property(message, (message) => {
      const read = decodeMessage(encodeMessage(message));
      assert(typeof read !== "string");
      const attributes = read.attributes.map(({ type, value }) => ({ type, value }));
      assert.deepEqual({ ...read, attributes }, message);
    }));
  });
  it("of a Binding request, indication, success and error have the types of RFC 8489 §5", () => {
    const type = (kind: MessageClass) =>
      encodeMessage({ class: kind, method: 1, transaction: new Uint8Array(12), attributes: [] }).slice(0, 2);
    assert.deepEqual(type("request"), Uint8Array.of(0, 1));
    assert.deepEqual(type("indication"), Uint8Array.of(0, 0x11));
    assert.deepEqual(type("success"), Uint8Array.of(1, 1));
    assert.deepEqual(type("error"), Uint8Array.of(1, 0x11));
  });
  it("that are none are told by their reason, whatever their bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const read = decodeMessage(bytes);
      assert(typeof read === "string" || bytes[4] === 0x21);
    }));
    const whole = encodeMessage({
      class: "request",
      method: 1,
      transaction: new Uint8Array(12),
      attributes: [{ type: 6, value: new Uint8Array(5) }],
    });
    const changed = (at: number, byte: number) => decodeMessage(whole.with(at, byte));
    assert.equal(decodeMessage(whole.subarray(0, 19)), "short");
    assert.equal(decodeMessage(whole.subarray(0, 28)), "bad-length");
    assert.equal(changed(0, 0x80), "not-stun"); // RTP
    assert.equal(changed(5, 0), "not-stun"); // another cookie
    assert.equal(changed(3, 13), "bad-length");
    assert.equal(changed(23, 9), "bad-attribute");
    assert.equal(decodeMessage(new Uint8Array(1_501)), "too-large");
  });
  it("mutated anywhere never throw", () => {
    fc.assert(fc.property(message, fc.nat(), fc.nat(255), (message, at, byte) => {
      const bytes = encodeMessage(message);
      decodeMessage(bytes.with(at % bytes.length, byte));
      decodeMessage(bytes.subarray(0, at % bytes.length));
    }));
  });
  it("that cannot be written are the caller's mistake", () => {
    const empty = { class: "request", method: 1, transaction: new Uint8Array(11), attributes: [] } as const;
    assert.throws(() => encodeMessage(empty), RangeError);
    const fat = [{ type: 6, value: new Uint8Array(65_536) }];
    assert.throws(
      () => encodeMessage({ ...empty, transaction: new Uint8Array(12), attributes: fat }),
      RangeError,
    );
  });
});

describe("values of attributes", () => {
  it("addresses are read as they were written, plain and XORed", () => {
    fc.assert(fc.property(address, sized(12), (address, transaction) => {
      assert.deepEqual(readAddress(addressAttribute(1, address).value), address);
      assert.deepEqual(readXorAddress(xorAddressAttribute(address, transaction).value, transaction), address);
    }));
  });
  it("that are malformed are no values", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), sized(12), (bytes, transaction) => {
      readXorAddress(bytes, transaction);
      const address = readAddress(bytes);
      assert(address === undefined || bytes.length === 4 + address.ip.length);
      readErrorCode(bytes);
      assert.equal(readChange(bytes) !== undefined, bytes.length === 4);
    }));
    assert.equal(readErrorCode(Uint8Array.of(0, 0, 7, 0)), undefined);
    assert.equal(readErrorCode(errorAttribute(420, "Unknown Attribute").value), 420);
  });
});

describe("addresses as text", () => {
  it("are read back", () => {
    fc.assert(fc.property(address, (address) => {
      const text = ipText(address);
      assert(address.ip.length === 4 || isIPv6(text), text);
      const read = parseAddress(text, address.port)!;
      assert.equal(addressText(read), addressText(parseAddress(ipText(read), address.port)!));
      if (address.ip.some((byte) => byte > 0)) assert.deepEqual(read, address);
    }));
  });
  it("are shortened as RFC 5952 says", () => {
    const short = (text: string) => ipText(parseAddress(text, 1)!);
    assert.equal(short("2001:0DB8:0:0:0:0:0:1"), "2001:db8::1");
    assert.equal(short("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
    assert.equal(short("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
    assert.equal(short("::"), "::");
    assert.equal(short("fe80::1%eth0"), "fe80::1");
  });
  it("of IPv4 inside IPv6 are IPv4", () => {
    assert.equal(addressText(parseAddress("::ffff:192.0.2.1", 5)!), "192.0.2.1:5");
    assert.equal(addressText(parseAddress("2001:db8::1", 5)!), "[2001:db8::1]:5");
  });
  it("that are none are none", () => {
    const wrong = [
      "",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      "::1::",
      "1:2:3",
      "1:2:3:4:5:6:7:8:9",
      "g::",
      "1:::2",
    ];
    for (const text of wrong) assert.equal(parseAddress(text, 1), undefined, text);
    assert.equal(parseAddress("1.2.3.4", 65_536), undefined);
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text, 1)));
  });
});

describe("URLs of STUN servers", () => {
  it("are read as RFC 7064 writes them", () => {
    assert.deepEqual(parseStunUrl("stun:a.example"), { host: "a.example", port: 3478 });
    assert.deepEqual(parseStunUrl("stun:[2001:db8::1]:99"), { host: "2001:db8::1", port: 99 });
    const wrong = [
      "stuns:a",
      "stun://a",
      "stun:a:0",
      "stun:a:70000",
      "stun:",
      "http:a",
      "stun:a?transport=udp",
    ];
    for (const url of wrong) assert.equal(parseStunUrl(url), undefined, url);
  });
  it("are written with brackets where they need them", () => {
    assert.equal(stunUrl("::1", 1), "stun:[::1]:1");
    assert.equal(stunUrl("[::1]", 1), "stun:[::1]:1");
    assert.equal(stunUrl("a.example", 1), "stun:a.example:1");
  });
});
