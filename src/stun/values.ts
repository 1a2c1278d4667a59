/**
 * Values of attributes (RFC 8489 §14, RFC 5780 §7).
 *
 * @module
 */
import type { TransportAddress } from "./address.ts";
import { Attribute, MAGIC_COOKIE, type RawAttribute } from "./message.ts";

/** MAPPED-ADDRESS and what has its form: RESPONSE-ORIGIN, OTHER-ADDRESS. */
export function addressAttribute(type: number, { ip, port }: TransportAddress): RawAttribute {
  const value = new Uint8Array(4 + ip.length);
  value[1] = ip.length === 4 ? 1 : 2;
  new DataView(value.buffer).setUint16(2, port);
  value.set(ip, 4);
  return { type, value };
}

/** `undefined` when the bytes are no address. */
export function readAddress(value: Uint8Array): TransportAddress | undefined {
  const size = value[1] === 1 ? 4 : value[1] === 2 ? 16 : undefined;
  if (size === undefined || value.length !== 4 + size) return undefined;
  return { ip: value.slice(4), port: value[2]! << 8 | value[3]! };
}

/**
 * XOR-MAPPED-ADDRESS (RFC 8489 §14.2). XORed because some NATs rewrite every copy of the
 * inner address that they find in a packet.
 */
export function xorAddressAttribute(address: TransportAddress, transaction: Uint8Array): RawAttribute {
  const { value } = addressAttribute(0, address);
  return { type: Attribute.xorMappedAddress, value: xored(value, transaction) };
}

export function readXorAddress(value: Uint8Array, transaction: Uint8Array): TransportAddress | undefined {
  return value.length < 4 ? undefined : readAddress(xored(value, transaction));
}

/** The port with the cookie's first half, the address with cookie and transaction id. */
function xored(value: Uint8Array, transaction: Uint8Array): Uint8Array {
  const mask = new Uint8Array(16);
  new DataView(mask.buffer).setUint32(0, MAGIC_COOKIE);
  mask.set(transaction, 4);
  return value.map((byte, i) => i < 2 ? byte : byte ^ mask[i < 4 ? i - 2 : (i - 4) % 16]!);
}

/** From where an answer is wanted (RFC 5780 §7.2). */
export interface Change {
  readonly ip: boolean;
  readonly port: boolean;
}

export function changeAttribute({ ip, port }: Change): RawAttribute {
  return { type: Attribute.changeRequest, value: Uint8Array.of(0, 0, 0, (ip ? 4 : 0) | (port ? 2 : 0)) };
}

export function readChange(value: Uint8Array): Change | undefined {
  if (value.length !== 4) return undefined;
  return { ip: (value[3]! & 4) !== 0, port: (value[3]! & 2) !== 0 };
}

/** ERROR-CODE (RFC 8489 §14.8). The phrase is for people, and often left out for the size's sake. */
export function errorAttribute(code: number, phrase: string = ""): RawAttribute {
  const text = new TextEncoder().encode(phrase);
  const value = new Uint8Array(4 + text.length);
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  value.set(text, 4);
  return { type: Attribute.errorCode, value };
}

export function readErrorCode(value: Uint8Array): number | undefined {
  if (value.length < 4) return undefined;
  const [hundreds, rest] = [value[2]! & 7, value[3]!];
  return hundreds < 3 || hundreds > 6 || rest > 99 ? undefined : hundreds * 100 + rest;
}

/** UNKNOWN-ATTRIBUTES (RFC 8489 §14.9). */
export function unknownAttribute(types: readonly number[]): RawAttribute {
  const value = new Uint8Array(2 * types.length);
  const view = new DataView(value.buffer);
  types.forEach((type, i) => view.setUint16(2 * i, type));
  return { type: Attribute.unknownAttributes, value };
}
