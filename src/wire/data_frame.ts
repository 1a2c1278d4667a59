/**
 * The data frame, the only frame a relay sees at full rate:
 *
 *     offset  0            4                36
 *             83 00 58 20  peer (32 bytes)  byte string head, payload
 *
 * To a node `peer` is the destination, from a node the source. A relay therefore
 * finds its route at a fixed offset, resolves it FIRST, then overwrites the key in
 * place with the source and forwards the same bytes. Whoever answers with an error
 * after the overwriting restores the destination before (protocol rule 15).
 *
 * This frame has no extension: an array of another length is malformed.
 *
 * @module
 */
import type { Key } from "./protocol.ts";

/** Where the key begins within a data frame. */
export const PEER_OFFSET = 4;
/** Bytes of a key. */
export const KEY_SIZE = 32;
/** Where the payload's byte string head begins within a data frame. */
export const PAYLOAD_HEAD_OFFSET: number = PEER_OFFSET + KEY_SIZE;

/** Whether a data frame seems to begin at `offset`; {@link dataEnd} tells whether it is whole. */
export function isData(message: Uint8Array, offset: number): boolean {
  return message[offset] === 0x83 && message[offset + 1] === 0x00 && message[offset + 2] === 0x58 &&
    message[offset + 3] === 0x20;
}

/** The offset behind the data frame for which {@link isData} holds at `offset`, or -1 when it is malformed. */
export function dataEnd(message: Uint8Array, offset: number): number {
  return byteStringEnd(message, offset + PAYLOAD_HEAD_OFFSET);
}

/** The payload of a whole data frame, as a view. */
export function dataPayload(message: Uint8Array, offset: number, end: number): Uint8Array {
  const head = offset + PAYLOAD_HEAD_OFFSET;
  return message.subarray(head + headSizeAt(message, head), end);
}

/** The key of the data frame at `offset`, as a view that {@link setPeer} changes. */
export function peerOf(message: Uint8Array, offset: number): Key {
  return message.subarray(offset + PEER_OFFSET, offset + PEER_OFFSET + KEY_SIZE);
}

/** Overwrites the key of the data frame at `offset`. */
export function setPeer(message: Uint8Array, offset: number, key: Key): void {
  message.set(key, offset + PEER_OFFSET);
}

/** The key that a run of frames has. Compared with bytes that stay, each frame costs half of what it does with the one before. */
const RUN_KEY = new Uint8Array(KEY_SIZE);

/** The offset behind the data frames that follow each other from `start` on and have one peer, in a message that is checked. */
export function dataRunEnd(message: Uint8Array, start: number): number {
  let end = dataEnd(message, start);
  if (end === message.length) return end;
  for (let i = 0; i < KEY_SIZE; i++) RUN_KEY[i] = message[start + PEER_OFFSET + i]!;
  while (isData(message, end) && isRunKeyAt(message, end + PEER_OFFSET)) end = dataEnd(message, end);
  return end;
}

function isRunKeyAt(message: Uint8Array, offset: number): boolean {
  for (let i = 0; i < KEY_SIZE; i++) {
    if (RUN_KEY[i] !== message[offset + i]) return false;
  }
  return true;
}

/** How many data frames lie at `start`…`end`. */
export function countData(message: Uint8Array, start: number, end: number): number {
  let frames = 0;
  for (let offset = start; offset < end; frames++) offset = dataEnd(message, offset);
  return frames;
}

/** Overwrites the keys of the data frames at `start`…`end`, and returns how many they are. */
export function setPeers(message: Uint8Array, start: number, end: number, key: Key): number {
  let frames = 0;
  for (let offset = start; offset < end; frames++) {
    const next = dataEnd(message, offset);
    setPeer(message, offset, key);
    offset = next;
  }
  return frames;
}

/** Bytes of a data frame with a payload of that many bytes. */
export function dataFrameSize(payloadLength: number): number {
  return PAYLOAD_HEAD_OFFSET + headSize(payloadLength) + payloadLength;
}

/**
 * Writes everything but the payload and returns the offset where the payload
 * belongs, so that a sender builds a batch in one buffer without copying.
 *
 * @example
 * ```ts
 * import { dataFrameSize, writeDataHead } from "./data_frame.ts";
 * const batch = new Uint8Array(dataFrameSize(2));
 * batch.set([1, 2], writeDataHead(batch, 0, new Uint8Array(32), 2));
 * ```
 */
export function writeDataHead(target: Uint8Array, offset: number, peer: Key, payloadLength: number): number {
  target[offset] = 0x83;
  target[offset + 1] = 0x00;
  target[offset + 2] = 0x58;
  target[offset + 3] = 0x20;
  target.set(peer, offset + PEER_OFFSET);
  return writeByteStringHead(target, offset + PAYLOAD_HEAD_OFFSET, payloadLength);
}

/** One data frame in a buffer of its own. */
export function encodeData(peer: Key, payload: Uint8Array): Uint8Array {
  requireKey(peer);
  const frame = new Uint8Array(dataFrameSize(payload.length));
  frame.set(payload, writeDataHead(frame, 0, peer, payload.length));
  return frame;
}

/** Throws a `TypeError` unless `key` has the bytes of a key. */
export function requireKey(key: Key): void {
  if (key.length !== KEY_SIZE) throw new TypeError(`a key has ${KEY_SIZE} bytes, not ${key.length}`);
}

/** Bytes of the shortest byte string head for that length (RFC 8949 §3). */
export function headSize(length: number): number {
  if (length < 24) return 1;
  if (length < 0x100) return 2;
  return length < 0x1_0000 ? 3 : 5;
}

/** Writes a byte string head and returns the offset behind it. */
export function writeByteStringHead(target: Uint8Array, offset: number, length: number): number {
  const size = headSize(length);
  let rest = length;
  for (let at = offset + size - 1; at > offset; at--) {
    target[at] = rest & 0xff;
    rest >>>= 8;
  }
  target[offset] = 0x40 | (size === 1 ? length : size === 2 ? 24 : size === 3 ? 25 : 26);
  return offset + size;
}

/** The offset behind the byte string at `offset`; -1 when cut off, not in shortest form, or no byte string. */
export function byteStringEnd(message: Uint8Array, offset: number): number {
  if (offset >= message.length) return -1;
  const head = message[offset]!;
  if (head >= 0x40 && head < 0x58) return within(message, offset + 1 + head - 0x40);
  const size = headSizeAt(message, offset);
  if (size === 0 || offset + size > message.length) return -1;
  let length = 0;
  for (let i = 1; i < size; i++) length = length * 256 + message[offset + i]!;
  return headSize(length) === size ? within(message, offset + size + length) : -1;
}

function within(message: Uint8Array, end: number): number {
  return end <= message.length ? end : -1;
}

/** Size of the byte string head at `offset`; 0 for any other head, and for lengths of 64 bits. */
export function headSizeAt(message: Uint8Array, offset: number): number {
  const head = message[offset]!;
  if (head >= 0x40 && head < 0x58) return 1;
  if (head === 0x58) return 2;
  if (head === 0x59) return 3;
  return head === 0x5a ? 5 : 0;
}
