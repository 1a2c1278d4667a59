/** What a TURN client says over TCP (RFC 8656), as far as two allocations that talk with each other need it. */
import { randomBytes } from "node:crypto";
import type { TransportAddress } from "../../../src/stun/address.ts";
import {
  attribute,
  decodeMessage,
  encodeMessage,
  HEADER_SIZE,
  type StunMessage,
} from "../../../src/stun/message.ts";
import { readXorAddress, xorAddressAttribute } from "../../../src/stun/values.ts";
import type { Framing } from "../frame_reader.ts";

/** Methods (RFC 8656 §17). */
export const Turn = { allocate: 3, channelBind: 9 } as const;

/** Attributes (RFC 8656 §18). */
const CHANNEL_NUMBER = 0x000c;
const XOR_PEER_ADDRESS = 0x0012;
const XOR_RELAYED_ADDRESS = 0x0016;
const REQUESTED_TRANSPORT = 0x0019;

/** Of IP: what the relay speaks with the peer. */
const UDP = 17;
/** The first of the numbers for channels (RFC 8656 §12). */
export const CHANNEL = 0x4000;
/** Bytes of a channel's head: its number and the length of the data. */
const CHANNEL_HEAD = 4;

export function allocate(): Uint8Array {
  const value = Uint8Array.of(UDP, 0, 0, 0);
  return request(Turn.allocate, () => [{ type: REQUESTED_TRANSPORT, value }]);
}

/** Gives the way to a peer a number; that peer may send here from then on. */
export function channelBind(peer: TransportAddress): Uint8Array {
  return request(Turn.channelBind, (transaction) => [
    { type: CHANNEL_NUMBER, value: Uint8Array.of(CHANNEL >> 8, CHANNEL & 255, 0, 0) },
    { type: XOR_PEER_ADDRESS, value: xorAddressAttribute(peer, transaction).value },
  ]);
}

function request(
  method: number,
  attributes: (transaction: Uint8Array) => StunMessage["attributes"],
): Uint8Array {
  const transaction = Uint8Array.from(randomBytes(12));
  return encodeMessage({ class: "request", method, transaction, attributes: attributes(transaction) });
}

/** Over TCP the data is padded to four bytes (RFC 8656 §12.5). */
export function channelData(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHANNEL_HEAD + padded(data.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, CHANNEL);
  view.setUint16(2, data.length);
  bytes.set(data, CHANNEL_HEAD);
  return bytes;
}

/** The answer to a request. @throws when the server refused it. */
export function answer(bytes: Uint8Array): StunMessage {
  const message = decodeMessage(bytes);
  if (typeof message === "string") throw new Error(`the TURN server sent no STUN message: ${message}`);
  if (message.class !== "success") throw new Error(`the TURN server refused method ${message.method}`);
  return message;
}

/** Where others reach an allocation. */
export function relayedAddress(message: StunMessage): TransportAddress {
  const value = attribute(message, XOR_RELAYED_ADDRESS);
  const address = value && readXorAddress(value, message.transaction);
  if (address === undefined) throw new Error("the TURN server told no relayed address");
  return address;
}

/** The first two bits tell data from messages (RFC 8656 §12). */
export function turnFraming(other: (frame: Uint8Array) => void): Framing {
  return {
    length(bytes, offset) {
      if (bytes.length - offset < CHANNEL_HEAD) return 0;
      const length = bytes[offset + 2]! << 8 | bytes[offset + 3]!;
      return isData(bytes, offset) ? CHANNEL_HEAD + padded(length) : HEADER_SIZE + length;
    },
    counts: (bytes, offset) => isData(bytes, offset) ? 1 : 0,
    other,
  };
}

function isData(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset]! >> 6 === 1;
}

function padded(length: number): number {
  return length + 3 & ~3;
}
