/**
 * STUN messages (RFC 8489 §5, §14): a header of 20 bytes, then attributes of type, length
 * and value, padded to 4 bytes.
 *
 * @module
 */
import { joinBytes } from "../wire/join_bytes.ts";

export const HEADER_SIZE = 20;
/** First 32 bits of every transaction (RFC 8489 §5). */
export const MAGIC_COOKIE = 0x2112_a442;
/** Largest message read, bytes: a UDP datagram that no Ethernet fragments. */
export const MAX_MESSAGE = 1_500;

/** Methods used here (RFC 8489 §18.2). */
export const Method = { binding: 1 } as const;

/** Classes (RFC 8489 §5). */
export type MessageClass = "request" | "indication" | "success" | "error";
const CLASSES: readonly MessageClass[] = ["request", "indication", "success", "error"];

/** Attribute types (RFC 8489 §18.3, RFC 5780 §7, RFC 8445 §16). */
export const Attribute = {
  mappedAddress: 0x0001,
  changeRequest: 0x0003,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  realm: 0x0014,
  nonce: 0x0015,
  messageIntegritySha256: 0x001c,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  software: 0x8022,
  fingerprint: 0x8028,
  responseOrigin: 0x802b,
  otherAddress: 0x802c,
} as const;

/** One attribute: its type and its value, without padding. */
export interface RawAttribute {
  readonly type: number;
  readonly value: Uint8Array;
  /** Where its header begins in the message it was read from; unused when encoding. */
  readonly at?: number;
}

export interface StunMessage {
  readonly class: MessageClass;
  readonly method: number;
  /** 12 random bytes. */
  readonly transaction: Uint8Array;
  readonly attributes: readonly RawAttribute[];
}

/** Why bytes are no STUN message. */
export type Malformed = "short" | "not-stun" | "bad-length" | "bad-attribute" | "too-large";

/** @throws {RangeError} when the transaction id has not 12 bytes, or an attribute does not fit its length field. */
export function encodeMessage({ class: kind, method, transaction, attributes }: StunMessage): Uint8Array {
  if (transaction.length !== 12) throw new RangeError("a STUN transaction id has 12 bytes");
  const body = attributes.map(encodeAttribute);
  const length = body.reduce((sum, bytes) => sum + bytes.length, 0);
  if (length > 0xffff) throw new RangeError("a STUN message holds at most 65,535 bytes of attributes");
  const header = new Uint8Array(HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setUint16(0, messageType(kind, method));
  view.setUint16(2, length);
  view.setUint32(4, MAGIC_COOKIE);
  header.set(transaction, 8);
  return joinBytes([header, ...body]);
}

/** Bytes of a message with these attributes. */
export function messageSize(attributes: readonly RawAttribute[]): number {
  return attributes.reduce((sum, { value }) => sum + 4 + padded(value.length), HEADER_SIZE);
}

function encodeAttribute({ type, value }: RawAttribute): Uint8Array {
  if (value.length > 0xffff) throw new RangeError("a STUN attribute holds at most 65,535 bytes");
  const bytes = new Uint8Array(4 + padded(value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, type);
  view.setUint16(2, value.length);
  bytes.set(value, 4);
  return bytes;
}

/** Reads one datagram; what is no STUN message is told by its reason. Values are views of `bytes`. */
export function decodeMessage(bytes: Uint8Array): StunMessage | Malformed {
  if (bytes.length < HEADER_SIZE) return "short";
  if (bytes.length > MAX_MESSAGE) return "too-large";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The two zero bits tell STUN from RTP, DTLS and others on one port (RFC 7983).
  if (bytes[0]! >= 0x40 || view.getUint32(4) !== MAGIC_COOKIE) return "not-stun";
  const length = view.getUint16(2);
  if (length % 4 !== 0 || length !== bytes.length - HEADER_SIZE) return "bad-length";
  const attributes = decodeAttributes(bytes, view);
  if (attributes === undefined) return "bad-attribute";
  return { ...typeOf(view.getUint16(0)), transaction: bytes.subarray(8, HEADER_SIZE), attributes };
}

function decodeAttributes(bytes: Uint8Array, view: DataView): RawAttribute[] | undefined {
  const attributes: RawAttribute[] = [];
  let at = HEADER_SIZE;
  while (at < bytes.length) {
    const end = at + 4 + view.getUint16(at + 2);
    if (end > bytes.length) return undefined;
    attributes.push({ type: view.getUint16(at), value: bytes.subarray(at + 4, end), at });
    at = at + 4 + padded(end - at - 4);
  }
  return attributes;
}

function padded(length: number): number {
  return length + 3 & ~3;
}

/** The class's two bits stand between the method's (RFC 8489 §5, figure 3). */
function messageType(kind: MessageClass, method: number): number {
  const bits = CLASSES.indexOf(kind);
  return (method & 0x0f80) << 2 | (method & 0x0070) << 1 | method & 0x000f | (bits & 2) << 7 |
    (bits & 1) << 4;
}

function typeOf(type: number): Pick<StunMessage, "class" | "method"> {
  const bits = type >> 7 & 2 | type >> 4 & 1;
  return { class: CLASSES[bits]!, method: type >> 2 & 0x0f80 | type >> 1 & 0x0070 | type & 0x000f };
}

/** The first attribute of a type: later ones are ignored (RFC 8489 §14). */
export function attribute(message: StunMessage, type: number): Uint8Array | undefined {
  return message.attributes.find((one) => one.type === type)?.value;
}

/** Whether a reader that does not know the attribute has to refuse a request with it (RFC 8489 §14). */
export function isRequired(type: number): boolean {
  return type < 0x8000;
}
