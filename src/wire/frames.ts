/**
 * Control frames: everything but data and forward. {@link decodeControl} is the one
 * door by which they enter; behind it shapes and sizes are certain, meaning is not.
 *
 * @module
 */
import { readAttemptFrame } from "./attempt_frames.ts";
import { decode, type Value } from "./cbor.ts";
import { MAX_CONTROL, MAX_NODES, MAX_TEXT } from "./limits.ts";
import { readMeshFrame } from "./mesh_frames.ts";
import {
  type Bye,
  type Control,
  type Found,
  type Key,
  Kind,
  type Lookup,
  type Nodes,
  type Notice,
  type Ping,
  type Pong,
  type Publish,
  type Reason,
  type SignedBytes,
} from "./protocol.ts";
import { clipText } from "./reason.ts";
import { encodeChecked, readAuth, readHello, readWelcome } from "./session_frames.ts";
import { is32, isBytes, isList, isNodeUrl, isReason, isText, isUint, readSigned } from "./shape.ts";
import { readAnnounce, readRoster, readTopicMember, readWithdraw } from "./topic_frames.ts";
import { readSighting, readUnwatch, readWatch } from "./watch_frames.ts";

export * from "./attempt_frames.ts";
export * from "./mesh_frames.ts";
export * from "./session_frames.ts";
export * from "./topic_frames.ts";
export * from "./watch_frames.ts";

const MAX_REQUEST = 0xffff_ffff;
const NONCE_SIZE = 8;

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
  if (bytes.length > MAX_CONTROL) return undefined;
  const frame = decode(bytes);
  if (!Array.isArray(frame) || !isUint(frame[0])) return undefined;
  return readFrame(frame[0], frame, bytes);
}

function readFrame(kind: number, frame: Value[], bytes: Uint8Array): Control | undefined {
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
    case Kind.bye:
      return readBye(frame);
    case Kind.ping:
    case Kind.pong:
      return readPingPong(kind, frame);
    case Kind.notice:
      return readNotice(frame);
    case Kind.publish:
      return readPublish(frame);
    case Kind.lookup:
      return readLookup(frame);
    case Kind.found:
      return readFound(frame);
    case Kind.nodes:
      return readNodes(frame);
    case Kind.announce:
      return readAnnounce(frame);
    case Kind.withdraw:
      return readWithdraw(frame);
    case Kind.roster:
      return readRoster(frame);
    case Kind.member:
      return readTopicMember(frame);
    case Kind.watch:
      return readWatch(frame);
    case Kind.unwatch:
      return readUnwatch(frame);
    case Kind.sighting:
      return readSighting(frame);
    case Kind.greet:
    case Kind.members:
    case Kind.probe:
    case Kind.probeAck:
    case Kind.presence:
    case Kind.digest:
    case Kind.edges:
    case Kind.undelivered:
    case Kind.attemptTo:
    case Kind.attemptFrom:
      return readMeshFrame(kind, frame);
    case Kind.attempt:
    case Kind.granted:
    case Kind.denied:
    case Kind.invite:
    case Kind.answer:
    case Kind.start:
    case Kind.report:
    case Kind.outcome:
      return readAttemptFrame(kind, frame);
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
  const frame = [Kind.bye, reason, clipText(text, MAX_TEXT), nodes];
  return encodeChecked(frame, readBye(frame), "bye");
}

function readBye([, reason, text, nodes]: Value[]): Bye | undefined {
  if (!isReason(reason) || !isText(text) || !isList(nodes, MAX_NODES, isNodeUrl)) return undefined;
  return { kind: "bye", reason, text, nodes };
}

export function encodePing(nonce: Uint8Array): Uint8Array {
  const frame = [Kind.ping, nonce];
  return encodeChecked(frame, readPingPong(Kind.ping, frame), "ping");
}

export function encodePong(nonce: Uint8Array): Uint8Array {
  const frame = [Kind.pong, nonce];
  return encodeChecked(frame, readPingPong(Kind.pong, frame), "pong");
}

function readPingPong(kind: number, [, nonce]: Value[]): Ping | Pong | undefined {
  if (!isBytes(nonce, NONCE_SIZE)) return undefined;
  return { kind: kind === Kind.ping ? "ping" : "pong", nonce };
}

export function encodeNotice(reason: Reason, peer: Key): Uint8Array {
  const frame = [Kind.notice, reason, peer];
  return encodeChecked(frame, readNotice(frame), "notice");
}

function readNotice([, reason, peer]: Value[]): Notice | undefined {
  return isReason(reason) && is32(peer) ? { kind: "notice", reason, peer } : undefined;
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
  const frame = [Kind.lookup, request, peer];
  return encodeChecked(frame, readLookup(frame), "lookup");
}

function readLookup([, request, peer]: Value[]): Lookup | undefined {
  return isUint(request, MAX_REQUEST) && is32(peer) ? { kind: "lookup", request, peer } : undefined;
}

/** Reason 0 with a record, any other with `null`. */
export function encodeFound(request: number, reason: Reason, record: SignedBytes | null): Uint8Array {
  const frame = [Kind.found, request, reason, record?.body ?? null, record?.signature ?? null];
  return encodeChecked(frame, readFound(frame), "found");
}

function readFound([, request, reason, body, signature]: Value[]): Found | undefined {
  if (!isUint(request, MAX_REQUEST) || !isReason(reason)) return undefined;
  if (reason !== 0) {
    return body === null && signature === null ? { kind: "found", request, reason, record: null } : undefined;
  }
  const record = readSigned(body, signature);
  return record && { kind: "found", request, reason, record };
}

/** @throws {RangeError} when `nodes` are more than `MAX_NODES` or not `ws:`/`wss:` URLs. */
export function encodeNodes(nodes: string[]): Uint8Array {
  const frame = [Kind.nodes, nodes];
  return encodeChecked(frame, readNodes(frame), "list of nodes");
}

function readNodes([, nodes]: Value[]): Nodes | undefined {
  return isList(nodes, MAX_NODES, isNodeUrl) ? { kind: "nodes", nodes } : undefined;
}
