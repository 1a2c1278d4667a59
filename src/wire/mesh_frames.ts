/**
 * The frames between nodes. Encoders take what readers give, in the same shapes; a
 * caller's value out of bounds is a `RangeError`, a stranger's `undefined`.
 *
 * @module
 */
import { encode, type Value } from "./cbor.ts";
import { MAX_HOPS } from "./forward_frame.ts";
import {
  MAX_ATTEMPT_FRAME,
  MAX_CHANGES,
  MAX_CONTROL,
  MAX_MEMBERS,
  MAX_NEIGHBOURS,
  MAX_NODES,
  MAX_ORIGINS,
  MAX_RECORD,
  MAX_TOPICS,
} from "./limits.ts";
import {
  type Conveyed,
  type Digest,
  type DigestPoint,
  type Edges,
  type EdgesFields,
  type Greet,
  type Member,
  type Members,
  MemberState,
  type NodeToNode,
  type PresenceDelta,
  type PresenceEntry,
  type Probe,
  type ProbeAck,
  type Undelivered,
} from "./mesh_protocol.ts";
import { Domain, type Key, Kind, type Reason } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { isAnnouncement } from "./topic_frames.ts";
import { is32, isBytes, isList, isNodeUrl, isReason, isUint, readSigned, SIGNATURE_SIZE } from "./shape.ts";

/** Reads a decoded frame of a mesh kind; `undefined`: malformed, or of no such kind. */
export function readMeshFrame(kind: number, frame: Value[]): NodeToNode | undefined {
  switch (kind) {
    case Kind.greet:
      return readGreet(frame);
    case Kind.members:
      return readMembers(frame);
    case Kind.probe:
      return readProbe(frame);
    case Kind.probeAck:
      return readProbeAck(frame);
    case Kind.presence:
      return readPresence(frame);
    case Kind.digest:
      return readDigest(frame);
    case Kind.edges:
      return readEdges(frame);
    case Kind.undelivered:
      return readUndelivered(frame);
    case Kind.attemptTo:
      return readConveyed("attemptTo", frame);
    case Kind.attemptFrom:
      return readConveyed("attemptFrom", frame);
    default:
      return undefined;
  }
}

/** @throws {RangeError} when a field is out of bounds. */
export function encodeGreet({ epoch, urls, mac }: Omit<Greet, "kind">): Uint8Array {
  const frame = [Kind.greet, epoch, urls, mac];
  return encodeBounded(frame, readGreet(frame), "greet");
}

function readGreet([, epoch, urls, mac]: Value[]): Greet | undefined {
  if (!isUint(epoch) || !isList(urls, MAX_NODES, isNodeUrl)) return undefined;
  return mac === null || is32(mac) ? { kind: "greet", epoch, urls, mac } : undefined;
}

/** @throws {RangeError} when a field is out of bounds, or the list is longer than a frame: cut it. */
export function encodeMembers(members: Member[]): Uint8Array {
  const items = members.map((m): Value => [m.node, m.epoch, m.incarnation, m.state, m.urls]);
  const frame = [Kind.members, items];
  return encodeBounded(frame, readMembers(frame), "members");
}

function readMembers([, items]: Value[]): Members | undefined {
  const members = readAll(items, MAX_MEMBERS, readMember);
  return members && { kind: "members", members };
}

function readMember([node, epoch, incarnation, state, urls]: Value[]): Member | undefined {
  if (!is32(node) || !isUint(epoch) || !isUint(incarnation) || !isMemberState(state)) return undefined;
  return isList(urls, MAX_NODES, isNodeUrl) ? { node, epoch, incarnation, state, urls } : undefined;
}

function isMemberState(value: Value | undefined): value is MemberState {
  return isUint(value, MemberState.left);
}

export function encodeProbe(nonce: number, target: Key): Uint8Array {
  const frame = [Kind.probe, nonce, target];
  return encodeBounded(frame, readProbe(frame), "probe");
}

function readProbe([, nonce, target]: Value[]): Probe | undefined {
  return isUint(nonce) && is32(target) ? { kind: "probe", nonce, target } : undefined;
}

export function encodeProbeAck(nonce: number, target: Key): Uint8Array {
  const frame = [Kind.probeAck, nonce, target];
  return encodeBounded(frame, readProbeAck(frame), "probeAck");
}

function readProbeAck([, nonce, target]: Value[]): ProbeAck | undefined {
  return isUint(nonce) && is32(target) ? { kind: "probeAck", nonce, target } : undefined;
}

/** @throws {RangeError} when a field is out of bounds, or the entries are more than a frame holds. */
export function encodePresence(delta: Omit<PresenceDelta, "kind">): Uint8Array {
  const { origin, epoch, from, to } = delta;
  const entries = delta.entries.map(({ version, peer, record, topics }): Value => [
    version,
    peer,
    record?.body ?? null,
    record?.signature ?? null,
    ...topics?.length ? [topics] : [],
  ]);
  const frame = [Kind.presence, origin, epoch, from, to, entries];
  return encodeBounded(frame, readPresence(frame), "presence");
}

function readPresence([, origin, epoch, from, to, items]: Value[]): PresenceDelta | undefined {
  if (!is32(origin) || !isUint(epoch) || !isUint(from) || !isUint(to) || from > to) return undefined;
  const entries = readAll(items, MAX_CHANGES, readEntry);
  if (!entries || !ascends(entries, from, to)) return undefined;
  return { kind: "presence", origin, epoch, from, to, entries };
}

function readEntry([version, peer, body, signature, topics]: Value[]): PresenceEntry | undefined {
  if (!isUint(version) || !is32(peer)) return undefined;
  if (body === null && signature === null) return { version, peer, record: null };
  const record = readSigned(body, signature);
  if (!record || record.body.length > MAX_RECORD) return undefined;
  if (topics === undefined) return { version, peer, record };
  if (!isList(topics, MAX_TOPICS, isAnnouncement)) return undefined;
  return topics.length > 0 ? { version, peer, record, topics } : undefined;
}

/** Each version once, within (from, to], so that what follows the last one read can be asked for. */
function ascends(entries: PresenceEntry[], from: number, to: number): boolean {
  let before = from;
  for (const { version } of entries) {
    if (version <= before) return false;
    before = version;
  }
  return before <= to;
}

export function encodeDigest({ answer, points }: Omit<Digest, "kind">): Uint8Array {
  const items = points.map((point): Value => [point.origin, point.epoch, point.version]);
  const frame = [Kind.digest, answer ? 1 : 0, items];
  return encodeBounded(frame, readDigest(frame), "digest");
}

function readDigest([, answer, items]: Value[]): Digest | undefined {
  const points = readAll(items, MAX_ORIGINS, readPoint);
  return points && isUint(answer, 1) ? { kind: "digest", answer: answer === 1, points } : undefined;
}

function readPoint([origin, epoch, version]: Value[]): DigestPoint | undefined {
  return is32(origin) && isUint(epoch) && isUint(version) ? { origin, epoch, version } : undefined;
}

/** `signature` covers {@link edgesSigned}. */
export function encodeEdges(edges: Omit<Edges, "kind">): Uint8Array {
  const { node, epoch, version, neighbours, signature } = edges;
  const frame = [Kind.edges, node, epoch, version, neighbours, signature];
  return encodeBounded(frame, readEdges(frame), "edges");
}

function readEdges([, node, epoch, version, neighbours, signature]: Value[]): Edges | undefined {
  if (!is32(node) || !isUint(epoch) || !isUint(version)) return undefined;
  if (!isList(neighbours, MAX_NEIGHBOURS, is32) || !isBytes(signature, SIGNATURE_SIZE)) return undefined;
  return { kind: "edges", node, epoch, version, neighbours, signature };
}

/**
 * What a node signs about its sessions. The network keeps the word of a node in one
 * network from drawing edges in another; epoch and version keep an old one from
 * bringing back edges that are gone.
 */
export function edgesSigned(network: string, edges: EdgesFields): Uint8Array {
  const { node, epoch, version, neighbours } = edges;
  return encode([Domain.edges, encode([network, node, epoch, version, neighbours])]);
}

export function encodeUndelivered(fields: Omit<Undelivered, "kind">): Uint8Array {
  const { hops, source, destination, reason } = fields;
  const frame = [Kind.undelivered, hops, source, destination, reason as Reason];
  return encodeBounded(frame, readUndelivered(frame), "undelivered");
}

function readUndelivered([, hops, source, destination, reason]: Value[]): Undelivered | undefined {
  if (!isUint(hops, MAX_HOPS) || !is32(source) || !is32(destination) || !isReason(reason)) return undefined;
  return { kind: "undelivered", hops, source, destination, reason };
}

export function encodeConveyed({ kind, hops, broker, peer, frame: inner }: Conveyed): Uint8Array {
  const frame = [Kind[kind], hops, broker, peer, inner];
  return encodeBounded(frame, readConveyed(kind, frame), kind);
}

function readConveyed(
  kind: Conveyed["kind"],
  [, hops, broker, peer, frame]: Value[],
): Conveyed | undefined {
  if (!isUint(hops, MAX_HOPS) || !is32(broker) || !is32(peer)) return undefined;
  if (!(frame instanceof Uint8Array) || frame.length > MAX_ATTEMPT_FRAME) return undefined;
  return { kind, hops, broker, peer, frame };
}

/** The items of a list, each an array that `read` accepts. */
function readAll<T>(
  items: Value | undefined,
  max: number,
  read: (item: Value[]) => T | undefined,
): T[] | undefined {
  if (!Array.isArray(items) || items.length > max) return undefined;
  const found: T[] = [];
  for (const item of items) {
    const value = Array.isArray(item) ? read(item) : undefined;
    if (value === undefined) return undefined;
    found.push(value);
  }
  return found;
}

/** Lists within their bounds can still be larger than a frame. */
function encodeBounded(frame: Value[], read: unknown, name: string): Uint8Array {
  const bytes = encodeChecked(frame, read, name);
  if (bytes.length <= MAX_CONTROL) return bytes;
  throw new RangeError(
    `this ${name} has ${bytes.length} bytes, a frame at most ${MAX_CONTROL}: cut its list`,
  );
}
