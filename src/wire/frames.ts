/**
 * Control frames: everything but data and forward. {@link decodeControl} is the one
 * door by which they enter, {@link decodePeerControl} where no node enters; behind it
 * shapes and sizes are certain, meaning is not.
 *
 * @module
 */
import { attemptFrames } from "./attempt_frames.ts";
import { decode, type Value } from "./cbor.ts";
import { FieldFrames } from "./field_frames.ts";
import { MAX_CONTROL, MAX_TEXT } from "./limits.ts";
import { meshReader } from "./mesh_frames.ts";
import {
  type Bye,
  type Control,
  type Found,
  type HeldBytes,
  type Key,
  Kind,
  type Lookup,
  type Nodes,
  type Notice,
  type Ping,
  type Pong,
  type Publish,
  type Rate,
  type Reason,
  type SignedBytes,
} from "./protocol.ts";
import { clipText } from "./reason.ts";
import { encodeChecked, readAuth, readHello, readWelcome } from "./session_frames.ts";
import { is32, isBytes, isLeft, isNodes, isReason, isRequest, isText, isUint, readSigned } from "./shape.ts";
import { readAnnounce, readTopicMember, topicFrames } from "./topic_frames.ts";
import { readSighting, watchFrames } from "./watch_frames.ts";

export * from "./attempt_frames.ts";
export * from "./mesh_frames.ts";
export * from "./session_frames.ts";
export * from "./topic_frames.ts";
export * from "./watch_frames.ts";

const NONCE_SIZE = 8;

/** Reads the bytes of exactly one control frame; `undefined`: malformed. */
export type DecodeControl = (bytes: Uint8Array) => Control | undefined;

/** Reads decoded frames of kinds that it knows. */
interface FrameReader {
  knows(kind: number): boolean;
  /** `undefined`: malformed. */
  read(kind: number, frame: Value[]): Control | undefined;
}

/**
 * Reads the bytes of exactly one control frame. `undefined`: malformed, and a
 * reason to end the session. A kind this version does not know is `unknown`;
 * elements behind those it knows are ignored. The result holds copies only.
 * The encoders throw `RangeError` for fields that this would refuse.
 *
 * @example
 * ```ts
 * import { decodeControl } from "./frames.ts";
 * decodeControl(new Uint8Array([0x82, 6, 0x48, 1, 2, 3, 4, 5, 6, 7, 8])); // { kind: "ping", nonce }
 * ```
 */
export function decodeControl(bytes: Uint8Array): Control | undefined {
  return decodeWith(bytes, meshReader);
}

/** As {@link decodeControl}, but frames between nodes are `unknown`: peers need not carry what reads them. */
export function decodePeerControl(bytes: Uint8Array): Control | undefined {
  return decodeWith(bytes);
}

function decodeWith(bytes: Uint8Array, mesh?: FrameReader): Control | undefined {
  if (bytes.length > MAX_CONTROL) return undefined;
  const frame = decode(bytes);
  if (!Array.isArray(frame) || !isUint(frame[0])) return undefined;
  return mesh?.knows(frame[0]) ? mesh.read(frame[0], frame) : readFrame(frame[0], frame, bytes);
}

const sessionFrames = new FieldFrames<Bye | Lookup | Nodes | Notice | Ping | Pong | Rate>({
  bye: { reason: isReason, text: isText, nodes: isNodes },
  ping: { nonce: isNonce },
  pong: { nonce: isNonce },
  notice: { reason: isReason, peer: is32 },
  lookup: { request: isRequest, peer: is32 },
  nodes: { nodes: isNodes },
  rate: {
    framesPerSecond: isUint,
    frameBurst: isUint,
    bytesPerSecond: isUint,
    byteBurst: isUint,
    pause: isUint,
  },
});
const TABLES = [sessionFrames, attemptFrames, topicFrames, watchFrames];

function readFrame(kind: number, frame: Value[], bytes: Uint8Array): Control | undefined {
  const table = TABLES.find((each) => each.knows(kind));
  if (table) return table.read(kind, frame);
  switch (kind) {
    case Kind.data:
    case Kind.forward:
      return undefined; // these have one form, at fixed offsets
    case Kind.hello:
      return readHello(frame, bytes);
    case Kind.auth:
      return readAuth(frame, bytes);
    case Kind.welcome:
      return readWelcome(frame);
    case Kind.publish:
      return readPublish(frame);
    case Kind.found:
      return readFound(frame);
    case Kind.announce:
      return readAnnounce(frame);
    case Kind.member:
      return readTopicMember(frame);
    case Kind.sighting:
      return readSighting(frame);
    default:
      return { kind: "unknown", number: kind };
  }
}

/**
 * `text` is for people and is cut to `MAX_TEXT` bytes.
 *
 * @throws {RangeError} when `nodes` are more than `MAX_NODES` or not `ws:`/`wss:` URLs.
 */
export function encodeBye(reason: Reason, text: string, nodes: string[] = []): Uint8Array {
  return sessionFrames.encode({ kind: "bye", reason, text: clipText(text, MAX_TEXT), nodes });
}

export function encodePing(nonce: Uint8Array): Uint8Array {
  return sessionFrames.encode({ kind: "ping", nonce });
}

export function encodePong(nonce: Uint8Array): Uint8Array {
  return sessionFrames.encode({ kind: "pong", nonce });
}

function isNonce(value: Value | undefined): value is Uint8Array {
  return isBytes(value, NONCE_SIZE);
}

export function encodeNotice(reason: Reason, peer: Key): Uint8Array {
  return sessionFrames.encode({ kind: "notice", reason, peer });
}

export function encodePublish(record: SignedBytes): Uint8Array {
  const frame = [Kind.publish, record.body, record.signature];
  return encodeChecked(frame, readPublish(frame), "publish");
}

function readPublish([, body, signature]: Value[]): Publish | undefined {
  const record = readSigned(body, signature);
  return record && { kind: "publish", record };
}

export function encodeLookup(request: number, peer: Key): Uint8Array {
  return sessionFrames.encode({ kind: "lookup", request, peer });
}

/** Reason 0 with a record, any other with `null`. */
export function encodeFound(request: number, reason: Reason, record: HeldBytes | null): Uint8Array {
  const frame: Value[] = [Kind.found, request, reason, record?.body ?? null, record?.signature ?? null];
  if (record?.left !== undefined) frame.push(record.left);
  return encodeChecked(frame, readFound(frame), "found");
}

function readFound([, request, reason, body, signature, left]: Value[]): Found | undefined {
  if (!isRequest(request) || !isReason(reason)) return undefined;
  if (reason !== 0) {
    return body === null && signature === null ? { kind: "found", request, reason, record: null } : undefined;
  }
  const record = readSigned(body, signature);
  if (!record || left === undefined) return record && { kind: "found", request, reason, record };
  return isLeft(left) ? { kind: "found", request, reason, record: { ...record, left } } : undefined;
}

/** @throws {RangeError} when `nodes` are more than `MAX_NODES` or not `ws:`/`wss:` URLs. */
export function encodeNodes(nodes: string[]): Uint8Array {
  return sessionFrames.encode({ kind: "nodes", nodes });
}

/** @throws {RangeError} when a number is no whole one from 0. */
export function encodeRate(rate: Omit<Rate, "kind">): Uint8Array {
  return sessionFrames.encode({ ...rate, kind: "rate" });
}
