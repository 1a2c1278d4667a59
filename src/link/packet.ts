/**
 * The packets of a link: what two peers put into the payloads of data frames. Nodes
 * forward them unread. Integers are big-endian.
 *
 *     init      01 ‖ handshake (8) ‖ Noise message 1
 *     response  02 ‖ handshake (8) ‖ Noise message 2
 *     transport 03 ‖ epoch (4) ‖ counter (8) ‖ ciphertext ‖ tag (16)
 *     unknown   04 ‖ epoch (4)
 *     refused   05 ‖ handshake (8) ‖ reason (2)
 *
 * `handshake` is random, chosen by the initiator; `epoch` is its first four bytes, and
 * names the keys that this handshake made. A transport packet's first 13 bytes are the
 * associated data of its cipher, so both numbers are authenticated; its nonce is 4 zero
 * bytes ‖ counter little-endian.
 *
 * `unknown` ("I have no such keys") and `refused` ("not this handshake", e.g. for a link
 * key that is no longer mine) are not authenticated: anybody on the way can write them.
 * They may make the receiver try anew, sooner; they may end nothing.
 *
 * @module
 */
import { TAG_SIZE } from "./aead.ts";
import { MAX_NOISE_MESSAGE, MESSAGE_1_OVERHEAD, MESSAGE_2_OVERHEAD } from "./noise.ts";

/** First byte of a packet. Readers ignore packets of other types. */
export const PacketType = { init: 1, response: 2, transport: 3, unknown: 4, refused: 5 } as const;

/** Bytes of a handshake id. */
export const HANDSHAKE_ID_SIZE = 8;
/** Bytes before the ciphertext of a transport packet: type, epoch, counter. */
export const TRANSPORT_HEADER = 13;
/** Bytes that a transport packet adds to its plaintext. */
export const TRANSPORT_OVERHEAD: number = TRANSPORT_HEADER + TAG_SIZE;
const HANDSHAKE_HEADER = 1 + HANDSHAKE_ID_SIZE;
/** Bytes that an init packet adds to its payload. */
export const INIT_OVERHEAD: number = HANDSHAKE_HEADER + MESSAGE_1_OVERHEAD;
/** Bytes that a response packet adds to its payload. */
export const RESPONSE_OVERHEAD: number = HANDSHAKE_HEADER + MESSAGE_2_OVERHEAD;
const UNKNOWN_SIZE = 5;
const REFUSED_SIZE: number = HANDSHAKE_HEADER + 2;
const TWO_32 = 0x1_0000_0000;

export interface InitPacket {
  kind: "init";
  handshake: Uint8Array;
  /** Noise message 1. */
  message: Uint8Array;
}
export interface ResponsePacket {
  kind: "response";
  handshake: Uint8Array;
  /** Noise message 2. */
  message: Uint8Array;
}
export interface TransportPacket {
  kind: "transport";
  /** See {@link epochId}. */
  epoch: number;
  /** 0 … 2^53−1. */
  counter: number;
  /** The bytes that the tag covers besides the ciphertext. */
  header: Uint8Array;
  /** Ciphertext ‖ tag. */
  sealed: Uint8Array;
}
/** A hint, unauthenticated: the sender has no keys of that epoch. */
export interface UnknownPacket {
  kind: "unknown";
  epoch: number;
}
/** A hint, unauthenticated: the sender did not accept that handshake. */
export interface RefusedPacket {
  kind: "refused";
  handshake: Uint8Array;
  /** A code of {@link ../wire/protocol.ts}, 0 … 65535. */
  reason: number;
}
export type Packet = InitPacket | ResponsePacket | TransportPacket | UnknownPacket | RefusedPacket;

/** The number by which transport packets name the keys of a handshake: its first four bytes. */
export function epochId(handshake: Uint8Array): number {
  return viewOf(handshake).getUint32(0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Reads a packet; `undefined` for a type or a length that cannot be. The parts are views
 * of `bytes`, not copies.
 *
 * @example
 * ```ts
 * const packet = readPacket(writeUnknown(7)); // { kind: "unknown", epoch: 7 }
 * ```
 */
export function readPacket(bytes: Uint8Array): Packet | undefined {
  switch (bytes[0]) {
    case PacketType.init:
      return readHandshake("init", bytes, MESSAGE_1_OVERHEAD);
    case PacketType.response:
      return readHandshake("response", bytes, MESSAGE_2_OVERHEAD);
    case PacketType.transport:
      return readTransport(bytes);
    case PacketType.unknown:
      return bytes.length === UNKNOWN_SIZE
        ? { kind: "unknown", epoch: viewOf(bytes).getUint32(1) }
        : undefined;
    case PacketType.refused:
      return readRefused(bytes);
    default:
      return undefined;
  }
}

function readHandshake(kind: "init" | "response", bytes: Uint8Array, least: number): Packet | undefined {
  const message = bytes.subarray(HANDSHAKE_HEADER);
  if (message.length < least || message.length > MAX_NOISE_MESSAGE) return undefined;
  return { kind, handshake: bytes.subarray(1, HANDSHAKE_HEADER), message };
}

function readTransport(bytes: Uint8Array): TransportPacket | undefined {
  if (bytes.length < TRANSPORT_OVERHEAD) return undefined;
  const view = viewOf(bytes);
  const counter = view.getUint32(5) * TWO_32 + view.getUint32(9);
  if (counter > Number.MAX_SAFE_INTEGER) return undefined;
  return {
    kind: "transport",
    epoch: view.getUint32(1),
    counter,
    header: bytes.subarray(0, TRANSPORT_HEADER),
    sealed: bytes.subarray(TRANSPORT_HEADER),
  };
}

function readRefused(bytes: Uint8Array): RefusedPacket | undefined {
  if (bytes.length !== REFUSED_SIZE) return undefined;
  const reason = viewOf(bytes).getUint16(HANDSHAKE_HEADER);
  return { kind: "refused", handshake: bytes.subarray(1, HANDSHAKE_HEADER), reason };
}

function writeHandshake(type: number, handshake: Uint8Array, rest: Uint8Array): Uint8Array {
  if (handshake.length !== HANDSHAKE_ID_SIZE) {
    throw new RangeError(`a handshake id has ${HANDSHAKE_ID_SIZE} bytes, this one ${handshake.length}`);
  }
  const bytes = new Uint8Array(HANDSHAKE_HEADER + rest.length);
  bytes[0] = type;
  bytes.set(handshake, 1);
  bytes.set(rest, HANDSHAKE_HEADER);
  return bytes;
}

/** An init packet around Noise message 1. */
export function writeInit(handshake: Uint8Array, message: Uint8Array): Uint8Array {
  return writeHandshake(PacketType.init, handshake, message);
}

/** A response packet around Noise message 2. */
export function writeResponse(handshake: Uint8Array, message: Uint8Array): Uint8Array {
  return writeHandshake(PacketType.response, handshake, message);
}

/** "I did not accept that handshake." Throws RangeError for a reason above 65535. */
export function writeRefused(handshake: Uint8Array, reason: number): Uint8Array {
  if (!Number.isInteger(reason) || reason < 0 || reason > 0xffff) {
    throw new RangeError(`a reason code is 0 … 65535, not ${reason}`);
  }
  return writeHandshake(PacketType.refused, handshake, Uint8Array.of(reason >> 8, reason));
}

/** "I have no keys of that epoch." */
export function writeUnknown(epoch: number): Uint8Array {
  const bytes = new Uint8Array(UNKNOWN_SIZE);
  bytes[0] = PacketType.unknown;
  viewOf(bytes).setUint32(1, epoch);
  return bytes;
}

/** Bytes of a buffer left free so that the ciphertext begins 4-byte aligned: pure JavaScript ciphers are a fifth quicker so. */
const PAD = 3;

/** Memory of the packets that nobody keeps. */
let shared: Uint8Array = new Uint8Array();

/**
 * A transport packet of `size` plaintext bytes with its header written; its last `size + 16`
 * bytes are to be sealed. `passing`: it is there only until the next such packet is made.
 */
export function blankTransport(
  epoch: number,
  counter: number,
  size: number,
  passing: boolean = false,
): Uint8Array {
  const length = PAD + TRANSPORT_OVERHEAD + size;
  if (passing && shared.length < length) shared = new Uint8Array(length);
  const bytes = (passing ? shared : new Uint8Array(length)).subarray(PAD, length);
  const view = viewOf(bytes);
  bytes[0] = PacketType.transport;
  view.setUint32(1, epoch);
  view.setUint32(5, Math.floor(counter / TWO_32));
  view.setUint32(9, counter >>> 0);
  return bytes;
}
