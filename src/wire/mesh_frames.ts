/**
 * The frames between nodes. Encoders take what readers give, in the same shapes; a
 * caller's value out of bounds is a `RangeError`, a stranger's `undefined`.
 *
 * @module
 */
import { byteStringsBehind } from "./byte_strings.ts";
import { encode, type Value } from "./cbor.ts";
import { FieldFrames } from "./field_frames.ts";
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
  type BanFields,
  type BanOrder,
  type Conveyed,
  type Digest,
  type DigestPoint,
  type Edges,
  type EdgesFields,
  type Greet,
  type Member,
  type Members,
  MemberState,
  type PresenceDelta,
  type PresenceEntry,
  type Probe,
  type ProbeAck,
  type Undelivered,
} from "./mesh_protocol.ts";
import { Domain, type Key, Kind } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { isAnnouncement } from "./topic_frames.ts";
import {
  is32,
  isBytes,
  isLeft,
  isList,
  isNodes,
  isNodeUrl,
  isReason,
  isText,
  isUint,
  readSigned,
  SIGNATURE_SIZE,
} from "./shape.ts";

type List = Digest | Members | PresenceDelta;
type Simple = BanOrder | Conveyed | Edges | Greet | Probe | ProbeAck | Undelivered;

const CONVEYED = { hops: isHops, broker: is32, peer: is32, frame: isFrame } as const;

/** Those whose fields are judged each by itself. */
const meshFrames = new FieldFrames<Simple>({
  greet: { epoch: isUint, urls: isNodes, mac: isMac },
  probe: { nonce: isUint, target: is32 },
  probeAck: { nonce: isUint, target: is32 },
  edges: { node: is32, epoch: isUint, version: isUint, neighbours: isNeighbours, signature: isSignature },
  ban: {
    operator: is32,
    subject: isText,
    reason: isText,
    issued: isUint,
    until: isUint,
    signature: isSignature,
  },
  undelivered: { hops: isHops, source: is32, destination: is32, reason: isReason },
  attemptTo: CONVEYED,
  attemptFrom: CONVEYED,
});

/** Those with a list of its own form. */
const lists = new Map<number, (frame: Value[]) => List | undefined>([
  [Kind.members, readMembers],
  [Kind.presence, readPresence],
  [Kind.digest, readDigest],
]);

/** Reads a decoded frame between nodes; `undefined`: malformed, or of no such kind. */
export const meshReader: {
  knows(kind: number): boolean;
  read(kind: number, frame: Value[]): Simple | List | undefined;
} = {
  knows: (kind) => meshFrames.knows(kind) || lists.has(kind),
  read: (kind, frame) => lists.get(kind)?.(frame) ?? meshFrames.read(kind, frame),
};

/** @throws {RangeError} when a field is out of bounds. */
export function encodeGreet(fields: Omit<Greet, "kind">): Uint8Array {
  return meshFrames.encode({ kind: "greet", ...fields });
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
  return meshFrames.encode({ kind: "probe", nonce, target });
}

export function encodeProbeAck(nonce: number, target: Key): Uint8Array {
  return meshFrames.encode({ kind: "probeAck", nonce, target });
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
  const frame: Value[] = [Kind.presence, origin, epoch, from, to, entries];
  const records = delta.entries.filter(({ record }) => record);
  if (records.length > 0 && records.every(({ left }) => left !== undefined)) {
    frame.push(delta.entries.map(({ left }) => left ?? 0));
  }
  return encodeBounded(frame, readPresence(frame), "presence");
}

function readPresence([, origin, epoch, from, to, items, left]: Value[]): PresenceDelta | undefined {
  if (!is32(origin) || !isUint(epoch) || !isUint(from) || !isUint(to) || from > to) return undefined;
  const entries = readAll(items, MAX_CHANGES, readEntry);
  if (!entries || !ascends(entries, from, to) || !lasts(entries, left)) return undefined;
  return { kind: "presence", origin, epoch, from, to, entries };
}

/** Notes how long each record still holds, if that is told at all. */
function lasts(entries: PresenceEntry[], left: Value | undefined): boolean {
  if (left === undefined) return true;
  if (!isList(left, MAX_CHANGES, isLeft) || left.length !== entries.length) return false;
  entries.forEach((entry, i) => entry.record && (entry.left = left[i]!));
  return true;
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
  return meshFrames.encode({ kind: "edges", ...edges });
}

/**
 * What a node signs about its sessions. The network keeps the word of a node in one
 * network from drawing edges in another; epoch and version keep an old one from
 * bringing back edges that are gone.
 */
export function edgesSigned(network: string, edges: EdgesFields): Uint8Array {
  const { node, epoch, version, neighbours } = edges;
  return byteStringsBehind(Domain.edges, encode([network, node, epoch, version, neighbours]));
}

/** `signature` covers {@link banSigned}. */
export function encodeBan(order: Omit<BanOrder, "kind">): Uint8Array {
  return meshFrames.encode({ ...order, kind: "ban" });
}

/** What an operator signs: for one network, so that the order of one cannot be played back in another. */
export function banSigned(
  network: string,
  { operator, subject, reason, issued, until }: BanFields,
): Uint8Array {
  return byteStringsBehind(Domain.ban, encode([network, operator, subject, reason, issued, until]));
}

export function encodeUndelivered(fields: Omit<Undelivered, "kind">): Uint8Array {
  return meshFrames.encode({ kind: "undelivered", ...fields });
}

export function encodeConveyed(frame: Conveyed): Uint8Array {
  return meshFrames.encode(frame);
}

function isHops(value: Value | undefined): value is number {
  return isUint(value, MAX_HOPS);
}

/** What is passed on is not looked at here. */
function isFrame(value: Value | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= MAX_ATTEMPT_FRAME;
}

function isMac(value: Value | undefined): value is Uint8Array | null {
  return value === null || is32(value);
}

function isNeighbours(value: Value | undefined): value is Key[] {
  return isList(value, MAX_NEIGHBOURS, is32);
}

function isSignature(value: Value | undefined): value is Uint8Array {
  return isBytes(value, SIGNATURE_SIZE);
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
