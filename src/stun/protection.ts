/**
 * FINGERPRINT and MESSAGE-INTEGRITY (RFC 8489 §14.5–14.7): each covers the message before it,
 * with the header's length as if the message ended behind it.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { joinBytes } from "../wire/join_bytes.ts";
import { Attribute, decodeMessage, HEADER_SIZE, type RawAttribute } from "./message.ts";

/** XORed onto the CRC so that it is not the CRC of a protocol inside STUN (RFC 8489 §14.7). */
const FINGERPRINT_MASK = 0x5354_554e;

/** Appends FINGERPRINT, which MUST stay the last attribute. */
export function withFingerprint(message: Uint8Array): Uint8Array {
  return append(message, Attribute.fingerprint, 4, fingerprint);
}

function fingerprint(covered: Uint8Array): Uint8Array {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, (crc32(covered) ^ FINGERPRINT_MASK) >>> 0);
  return value;
}

/** What the FINGERPRINT of a message says of it. `misplaced`: more attributes follow it. */
export function checkFingerprint(message: Uint8Array): "valid" | "wrong" | "absent" | "misplaced" {
  const found = find(message, Attribute.fingerprint);
  if (found === undefined) return "absent";
  if (found.at! + 8 !== message.length) return "misplaced";
  return same(found.value, fingerprint(covered(message, found.at!, 4))) ? "valid" : "wrong";
}

/**
 * Appends MESSAGE-INTEGRITY. The key is the password's bytes (short-term credentials), or the hash of
 * user name, realm and password (long-term, RFC 8489 §9.2.2).
 */
export function withIntegrity(message: Uint8Array, key: Uint8Array): Uint8Array {
  return append(message, Attribute.messageIntegrity, 20, (bytes) => hmac(sha1, key, bytes));
}

/** Appends MESSAGE-INTEGRITY-SHA256, not truncated. */
export function withIntegritySha256(message: Uint8Array, key: Uint8Array): Uint8Array {
  return append(message, Attribute.messageIntegritySha256, 32, (bytes) => hmac(sha256, key, bytes));
}

/** Whether the message carries a valid MESSAGE-INTEGRITY or, which wins, MESSAGE-INTEGRITY-SHA256. */
export function checkIntegrity(message: Uint8Array, key: Uint8Array): "valid" | "wrong" | "absent" {
  const long = find(message, Attribute.messageIntegritySha256);
  if (long !== undefined) return checkSha256(message, key, long);
  const short = find(message, Attribute.messageIntegrity);
  if (short === undefined) return "absent";
  return same(short.value, hmac(sha1, key, covered(message, short.at!, 20))) ? "valid" : "wrong";
}

/** A sender may truncate it to a multiple of 4, not below 16 bytes (RFC 8489 §14.6). */
function checkSha256(message: Uint8Array, key: Uint8Array, { value, at }: RawAttribute): "valid" | "wrong" {
  const size = value.length;
  if (size < 16 || size > 32 || size % 4 !== 0) return "wrong";
  const full = hmac(sha256, key, covered(message, at!, size));
  return same(value, full.subarray(0, size)) ? "valid" : "wrong";
}

function find(message: Uint8Array, type: number): RawAttribute | undefined {
  const decoded = decodeMessage(message);
  return typeof decoded === "string" ? undefined : decoded.attributes.find((one) => one.type === type);
}

function append(
  message: Uint8Array,
  type: number,
  size: number,
  value: (covered: Uint8Array) => Uint8Array,
): Uint8Array {
  const before = covered(message, message.length, size);
  const head = Uint8Array.of(type >> 8, type & 0xff, 0, size);
  return joinBytes([before, head, value(before)]);
}

/** The bytes before `at`, their header's length counting an attribute of `size` bytes at `at`. */
function covered(message: Uint8Array, at: number, size: number): Uint8Array {
  const bytes = message.slice(0, at);
  new DataView(bytes.buffer).setUint16(2, at - HEADER_SIZE + 4 + size);
  return bytes;
}

/** In constant time: what is compared is secret. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let i = 0; i < a.length; i++) differences |= a[i]! ^ b[i]!;
  return differences === 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

/** ITU-T V.42, as in zip and Ethernet. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ crc >>> 8;
  return (crc ^ 0xffff_ffff) >>> 0;
}
