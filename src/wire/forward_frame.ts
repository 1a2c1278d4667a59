/**
 * The frame in which nodes pass data on to each other (protocol rule 16):
 *
 *     offset  0      2     3      5                  37     39                      71
 *             85 01  hops  58 20  source (32 bytes)  58 20  destination (32 bytes)  payload
 *
 * At egress it becomes a data frame without touching the payload: the source is
 * copied over the destination, `83 00 58 20` written before it, and the peer's
 * frame begins there, at offset 35. Like the data frame it has no extension.
 *
 * @module
 */
import { byteStringEnd, dataFrameSize, KEY_SIZE, requireKey, writeByteStringHead } from "./data_frame.ts";
import type { Key } from "./protocol.ts";

/** Where the number of hops still permitted stands, in one byte. */
export const HOPS_OFFSET = 2;
export const SOURCE_OFFSET = 5;
export const DESTINATION_OFFSET = 39;
/** Where the payload's byte string head begins. */
export const FORWARD_PAYLOAD_HEAD_OFFSET = 71;
/** Most hops: larger numbers would need a second byte. */
export const MAX_HOPS = 23;

const DATA_START = 35;

/** Whether a forward frame seems to begin at `offset`; {@link forwardEnd} tells whether it is whole. */
export function isForward(message: Uint8Array, offset: number): boolean {
  return message[offset] === 0x85 && message[offset + 1] === 0x01;
}

/** The offset behind the forward frame for which {@link isForward} holds at `offset`, or -1 when it is malformed. */
export function forwardEnd(message: Uint8Array, offset: number): number {
  if (message.length < offset + FORWARD_PAYLOAD_HEAD_OFFSET) return -1;
  if (message[offset + HOPS_OFFSET]! > MAX_HOPS) return -1;
  if (!isKeyHead(message, offset + SOURCE_OFFSET - 2)) return -1;
  if (!isKeyHead(message, offset + DESTINATION_OFFSET - 2)) return -1;
  return byteStringEnd(message, offset + FORWARD_PAYLOAD_HEAD_OFFSET);
}

/** The hops still permitted, 0 … 23. */
export function hopsOf(message: Uint8Array, offset: number): number {
  return message[offset + HOPS_OFFSET]!;
}

/** Overwrites the hops of the frame at `offset`: a node that passes it on writes one less. */
export function setHops(message: Uint8Array, offset: number, hops: number): void {
  requireHops(hops);
  message[offset + HOPS_OFFSET] = hops;
}

/** The source, as a view. */
export function sourceOf(message: Uint8Array, offset: number): Key {
  return message.subarray(offset + SOURCE_OFFSET, offset + SOURCE_OFFSET + KEY_SIZE);
}

/** The destination, as a view. */
export function destinationOf(message: Uint8Array, offset: number): Key {
  return message.subarray(offset + DESTINATION_OFFSET, offset + DESTINATION_OFFSET + KEY_SIZE);
}

/**
 * One forward frame in a buffer of its own.
 *
 * @throws {RangeError} when `hops` is not 0 … 23.
 */
export function encodeForward(hops: number, source: Key, destination: Key, payload: Uint8Array): Uint8Array {
  requireHops(hops);
  requireKey(source);
  requireKey(destination);
  const frame = new Uint8Array(dataFrameSize(payload.length) + DATA_START);
  frame.set([0x85, 0x01, hops, 0x58, 0x20]);
  frame.set(source, SOURCE_OFFSET);
  frame.set([0x58, 0x20], DESTINATION_OFFSET - 2);
  frame.set(destination, DESTINATION_OFFSET);
  frame.set(payload, writeByteStringHead(frame, FORWARD_PAYLOAD_HEAD_OFFSET, payload.length));
  return frame;
}

/**
 * Turns the whole forward frame at `offset` into the data frame for its
 * destination, in place, and returns where that begins; it ends where the forward
 * frame ended. Read the destination before: it is overwritten with the source.
 */
export function forwardToData(message: Uint8Array, offset: number): number {
  const source = offset + SOURCE_OFFSET;
  message.copyWithin(offset + DESTINATION_OFFSET, source, source + KEY_SIZE);
  const start = offset + DATA_START;
  message[start] = 0x83;
  message[start + 1] = 0x00;
  message[start + 2] = 0x58;
  message[start + 3] = 0x20;
  return start;
}

function isKeyHead(message: Uint8Array, offset: number): boolean {
  return message[offset] === 0x58 && message[offset + 1] === 0x20;
}

function requireHops(hops: number): void {
  if (!Number.isInteger(hops) || hops < 0 || hops > MAX_HOPS) {
    throw new RangeError(`hops are 0 to ${MAX_HOPS}, not ${hops}`);
  }
}
