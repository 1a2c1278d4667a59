/**
 * What the two ends of a link say to each other inside encrypted packets: a CBOR
 * sequence (RFC 8742) of frames `[kind, …]`, strict and deterministic like the
 * session's. Numbered frames (`seq`) are acknowledged and sent again when missing;
 * the others may be lost. Readers ignore kinds they do not know.
 *
 * @module
 */
import { decodeScanned, encode, scan, type Value } from "../wire/cbor.ts";
import { MAX_DEPTH } from "../wire/limits.ts";
import { encodePieces } from "../wire/pieces.ts";
import { MAX_CHUNK, MAX_LABEL, MAX_RANGES, MAX_SIGNAL, MAX_SIZE, TOKEN_SIZE } from "./limits.ts";
import { utf8Length } from "./text.ts";

/** 0–2 and from 16 on unnumbered, 3–15 numbered. */
export const LinkKind = {
  /** `[0, next, [from, to, …]]`: everything below `next`, and `from` ≤ seq < `to`, has arrived. */
  ack: 0,
  /** `[1, nonce]`: are you there? */
  probe: 1,
  /** `[2, nonce]`: the answer, at once. */
  probeAck: 2,
  /**
   * `[3, seq, id, size, asks, bytes, tag]`: a message of `size` bytes begins; `asks` 1: the sender wants
   * to hear `processed`; `tag`, absent for most: 32 bytes that mark it as said in a topic. All chunks of a message but the last have exactly `MAX_CHUNK` bytes.
   */
  message: 3,
  /** `[4, seq, bytes]`: the message begun before continues. */
  more: 4,
  /** `[5, seq, id]`: the application is done with that message. */
  processed: 5,
  /** `[6, seq, stream, label]`: a byte stream begins, both ways. */
  open: 6,
  /** `[7, seq, stream, bytes]` */
  bytes: 7,
  /** `[8, seq, stream]`: no bytes follow from this side. */
  end: 8,
  /** `[9, seq, stream, side, text]`: side 0 "I stop writing", 1 "I stop reading". */
  reset: 9,
  /** `[10, seq, stream, limit]`: you may send up to this many bytes in all; stream 0 = messages. */
  credit: 10,
  /** `[11, seq, reason, text]`: the last frame of a link. */
  close: 11,
  /** `[12, seq, attempt, bytes]`: words of one of the two about an attempt to punch a direct path. */
  signal: 12,
  /** `[16]`: nothing follows for now, so acknowledge what you have at once. */
  ask: 16,
  /** `[17, token]`: answer by the path that this came by (PATH_CHALLENGE, RFC 9000 §8.2). */
  challenge: 17,
  /** `[18, token]`: the answer, at once. */
  challengeAck: 18,
} as const;

/** `to` is exclusive. */
export interface Ack {
  kind: "ack";
  next: number;
  ranges: number[];
}
export interface Probe {
  kind: "probe" | "probe-ack";
  nonce: number;
}
/** Without it an acknowledgement waits a few milliseconds for company, and a sender that waits for each one would crawl. */
export interface Ask {
  kind: "ask";
}
/** About the path that brought it, and not about the conversation. */
export interface Challenge {
  kind: "challenge" | "challenge-ack";
  /** {@link TOKEN_SIZE} bytes that the other side cannot guess. */
  token: Uint8Array;
}
export interface MessageChunk {
  kind: "message";
  seq: number;
  id: Uint8Array;
  size: number;
  asks: boolean;
  bytes: Uint8Array;
  /** Said in the topic whose proof this is, not on the link. */
  tag?: Uint8Array;
}
export interface MoreChunk {
  kind: "more";
  seq: number;
  bytes: Uint8Array;
}
export interface Processed {
  kind: "processed";
  seq: number;
  id: Uint8Array;
}
export interface Open {
  kind: "open";
  seq: number;
  stream: number;
  label: string;
}
export interface Bytes {
  kind: "bytes";
  seq: number;
  stream: number;
  bytes: Uint8Array;
}
export interface End {
  kind: "end";
  seq: number;
  stream: number;
}
export type ResetSide = "writer" | "reader";
export interface Reset {
  kind: "reset";
  seq: number;
  stream: number;
  side: ResetSide;
  text: string;
}
export interface Credit {
  kind: "credit";
  seq: number;
  stream: number;
  limit: number;
}
export interface Close {
  kind: "close";
  seq: number;
  reason: number;
  text: string;
}
export interface Signal {
  kind: "signal";
  seq: number;
  /** 16 bytes: the attempt's id, from its broker. */
  attempt: Uint8Array;
  /** At most `MAX_SIGNAL`. */
  bytes: Uint8Array;
}
/** A numbered frame of a kind this version does not know: acknowledged, otherwise ignored. */
export interface Strange {
  kind: "strange";
  seq: number;
}
export type Numbered =
  | MessageChunk
  | MoreChunk
  | Processed
  | Open
  | Bytes
  | End
  | Reset
  | Credit
  | Close
  | Signal
  | Strange;
/** What is numbered, before it has its number. */
export type Unnumbered = Numbered extends infer F ? F extends Numbered ? Omit<F, "seq"> : never : never;
export type LinkFrame = Ack | Probe | Ask | Challenge | Numbered;

/** Writes an acknowledgement. */
export function encodeAck(next: number, ranges: number[]): Uint8Array {
  return encode([LinkKind.ack, next, ranges]);
}

/** Writes a probe or its answer. */
export function encodeProbe(kind: Probe["kind"], nonce: number): Uint8Array {
  return encode([kind === "probe" ? LinkKind.probe : LinkKind.probeAck, nonce]);
}

export const ASK: Uint8Array = encode([LinkKind.ask]);

/** Writes a challenge or its answer. */
export function encodeChallenge(kind: Challenge["kind"], token: Uint8Array): Uint8Array {
  return encode([kind === "challenge" ? LinkKind.challenge : LinkKind.challengeAck, token]);
}

/** Writes a numbered frame, in pieces: long content is one of them as it is, not a copy. */
export function encodeNumbered(frame: Unnumbered, seq: number): Uint8Array[] {
  return encodePieces(fields(frame, seq));
}

function fields(frame: Unnumbered, seq: number): Value[] {
  switch (frame.kind) {
    case "message":
      return [LinkKind.message, seq, frame.id, frame.size, frame.asks ? 1 : 0, frame.bytes, ...tagged(frame)];
    case "more":
      return [LinkKind.more, seq, frame.bytes];
    case "processed":
      return [LinkKind.processed, seq, frame.id];
    case "open":
      return [LinkKind.open, seq, frame.stream, frame.label];
    case "bytes":
      return [LinkKind.bytes, seq, frame.stream, frame.bytes];
    case "end":
      return [LinkKind.end, seq, frame.stream];
    case "reset":
      return [LinkKind.reset, seq, frame.stream, frame.side === "writer" ? 0 : 1, frame.text];
    case "credit":
      return [LinkKind.credit, seq, frame.stream, frame.limit];
    case "close":
      return [LinkKind.close, seq, frame.reason, frame.text];
    case "signal":
      return [LinkKind.signal, seq, frame.attempt, frame.bytes];
    case "strange":
      return [15, seq];
  }
}

function tagged({ tag }: { tag?: Uint8Array }): Value[] {
  return tag ? [tag] : [];
}

/** Frames of the largest packet that are each a whole chunk, and one more for what goes beside them. */
const SHARE = 5;

/**
 * Reads all frames of a packet, or `undefined` when any of them is malformed. The bytes in a
 * frame that is at least a fifth of the packet are views, so that what is kept of a packet is
 * never less than a fifth of what it keeps in memory; in all others they are copies.
 */
export function decodeFrames(plaintext: Uint8Array): LinkFrame[] | undefined {
  const frames: LinkFrame[] = [];
  for (let at = 0; at < plaintext.length;) {
    const end = scan(plaintext, at, plaintext.length, MAX_DEPTH);
    if (end < 0) return undefined;
    const frame = read(decodeScanned(plaintext, at, end, SHARE * (end - at) >= plaintext.length));
    if (frame === "malformed") return undefined;
    if (frame !== "ignored") frames.push(frame);
    at = end;
  }
  return frames;
}

function read(value: Value): LinkFrame | "malformed" | "ignored" {
  if (!Array.isArray(value) || !isCount(value[0])) return "malformed";
  const [kind, a, b, c, d, e, f] = value;
  if (kind === LinkKind.ack) {
    return isRanges(a, b) ? { kind: "ack", next: a as number, ranges: b } : "malformed";
  }
  if (kind === LinkKind.probe || kind === LinkKind.probeAck) {
    return isCount(a) ? { kind: kind === LinkKind.probe ? "probe" : "probe-ack", nonce: a } : "malformed";
  }
  if (kind === LinkKind.ask) return { kind: "ask" };
  if (kind > LinkKind.ask) return readChallenge(kind, a);
  if (!isSeq(a)) return "malformed";
  return readNumbered(kind, a, b, c, d, e, f) ?? "malformed";
}

function readChallenge(kind: number, a?: Value): Challenge | "malformed" | "ignored" {
  switch (kind) {
    case LinkKind.challenge:
    case LinkKind.challengeAck:
      return isToken(a)
        ? { kind: kind === LinkKind.challenge ? "challenge" : "challenge-ack", token: a }
        : "malformed";
    default:
      return "ignored";
  }
}

function readNumbered(
  kind: number,
  seq: number,
  b?: Value,
  c?: Value,
  d?: Value,
  e?: Value,
  f?: Value,
): Numbered | undefined {
  switch (kind) {
    case LinkKind.message:
      return readMessage(seq, b, c, d, e, f);
    case LinkKind.more:
      return isBytes(b) && b.length > 0 ? { kind: "more", seq, bytes: b } : undefined;
    case LinkKind.processed:
      return isId(b) ? { kind: "processed", seq, id: b } : undefined;
    case LinkKind.credit:
      return isCount(b) && isCount(c) ? { kind: "credit", seq, stream: b, limit: c } : undefined;
    case LinkKind.close:
      return isCount(b) && isLabel(c) ? { kind: "close", seq, reason: b, text: c } : undefined;
    case LinkKind.signal:
      return isId(b) && isBytes(c) && c.length <= MAX_SIGNAL
        ? { kind: "signal", seq, attempt: b, bytes: c }
        : undefined;
    case LinkKind.open:
    case LinkKind.bytes:
    case LinkKind.end:
    case LinkKind.reset:
      return isCount(b) && b > 0 ? readStream(kind, seq, b, c, d) : undefined;
    default:
      return { kind: "strange", seq };
  }
}

function readMessage(
  seq: number,
  id?: Value,
  size?: Value,
  asks?: Value,
  bytes?: Value,
  tag?: Value,
): MessageChunk | undefined {
  if (!isId(id) || !isCount(size) || size > MAX_SIZE || (asks !== 0 && asks !== 1)) return undefined;
  if (!isBytes(bytes) || bytes.length > size) return undefined;
  const chunk: MessageChunk = { kind: "message", seq, id, size, asks: asks === 1, bytes };
  if (tag === undefined) return chunk;
  return isBytes(tag) && tag.length === TAG_SIZE ? { ...chunk, tag } : undefined;
}

/** Bytes of a topic's proof. */
const TAG_SIZE = 32;

function readStream(kind: number, seq: number, stream: number, c?: Value, d?: Value): Numbered | undefined {
  switch (kind) {
    case LinkKind.open:
      return isLabel(c) ? { kind: "open", seq, stream, label: c } : undefined;
    case LinkKind.bytes:
      return isBytes(c) && c.length > 0 ? { kind: "bytes", seq, stream, bytes: c } : undefined;
    case LinkKind.end:
      return { kind: "end", seq, stream };
    default:
      return (c === 0 || c === 1) && isLabel(d)
        ? { kind: "reset", seq, stream, side: c === 0 ? "writer" : "reader", text: d }
        : undefined;
  }
}

const isCount = (value: Value | undefined): value is number => typeof value === "number";
/** An acknowledgement names the number behind the last that arrived, which has to be one that can be written. */
const isSeq = (value: Value | undefined): value is number =>
  isCount(value) && value < Number.MAX_SAFE_INTEGER;
const isId = (value: Value | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.length === 16;
const isToken = (value: Value | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.length === TOKEN_SIZE;
const isBytes = (value: Value | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.length <= MAX_CHUNK;
const isLabel = (value: Value | undefined): value is string =>
  typeof value === "string" && (value.length * 3 <= MAX_LABEL || utf8Length(value) <= MAX_LABEL);

/** Ascending, disjoint, not touching, above `next`. */
function isRanges(next: Value | undefined, ranges: Value | undefined): ranges is number[] {
  if (!isCount(next) || !Array.isArray(ranges)) return false;
  if (ranges.length % 2 !== 0 || ranges.length > 2 * MAX_RANGES) return false;
  let last = next;
  return ranges.every((edge) => {
    if (!isCount(edge) || edge <= last) return false;
    last = edge;
    return true;
  });
}
