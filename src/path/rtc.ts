/**
 * The port of WebRTC data channels (RFC 8831): how the stacks of browsers and of Bun,
 * Deno and Node look to an attempt. Each end describes itself in words, takes the other
 * end's, and opens one channel.
 *
 * @module
 */
import type { IceServer } from "../session/ice_servers.ts";
import { decode, encode, type Value } from "../wire/cbor.ts";
import type { Role } from "./attempt.ts";

/** What one end tells the other. */
export type Words =
  | { type: "offer" | "answer"; sdp: string }
  | { type: "candidate"; candidate: string; mid: string };

/** Nothing is called after {@link RtcEnd.close}. */
export interface RtcEvents {
  /** Tell the other end. */
  words(words: Words): void;
  /** All its candidates were told. */
  gathered(): void;
  opened(): void;
  /** One message, in a buffer that nobody else writes to. */
  message(bytes: Uint8Array): void;
  /** {@link RtcEnd.buffered} fell below `PATH_LOW_WATER`. */
  drained(): void;
  /** It carries nothing any more, or never will. */
  closed(reason: string): void;
}

export interface RtcEnd {
  /** Takes what the other end told; MUST NOT throw, whatever it is. */
  take(words: Words): void;
  /** MUST NOT throw. */
  send(packet: Uint8Array): void;
  /** Whether `send` has copied the packet when it returns: its bytes may be used again. */
  readonly copies?: boolean;
  readonly buffered: number;
  /** Whether a pair of candidates worked; known after its end, too. */
  readonly paired: boolean;
  /** Lets everything go, also before anything opened. */
  close(): void;
}

export interface RtcStack {
  /** `iceServers` are all that is used: never a library's own. */
  connect(role: Role, iceServers: IceServer[], events: RtcEvents): RtcEnd;
}

/** Loads the stack when it is first needed, or says why there is none. */
export type LoadRtc = () => Promise<RtcStack | { why: string }>;

/** The channel, agreed in advance (RFC 8832 §1), so that no round trip goes into opening it. */
export const CHANNEL = "waymeet";
/**
 * Unordered, because the link puts its packets in order and must not wait for one; but
 * not unreliable, because a packet of 16 KiB is fifteen datagrams: at 2 % loss a quarter
 * of all packets would have to be sent again whole, where SCTP sends one datagram.
 */
export const CHANNEL_OPTIONS = { negotiated: true, id: 0, ordered: false } as const;

/** Candidates told, and taken, of one end (protocol rule 20). */
export const MAX_CANDIDATES = 16;
const MAX_SDP = 8_000;
const MAX_CANDIDATE = 512;
const MAX_MID = 32;

const OFFER = 0;
const ANSWER = 1;
const CANDIDATE = 2;

/** For the link's frame `signal`: `[0, sdp]` offer, `[1, sdp]` answer, `[2, candidate, mid]`. */
export function encodeWords(words: Words): Uint8Array | undefined {
  const items = words.type === "candidate"
    ? [CANDIDATE, words.candidate, words.mid]
    : [words.type === "offer" ? OFFER : ANSWER, words.sdp];
  return readWords(items) && encode(items);
}

/** `undefined`: not such words. */
export function decodeWords(bytes: Uint8Array): Words | undefined {
  const items = decode(bytes);
  return Array.isArray(items) ? readWords(items) : undefined;
}

function readWords([kind, text, mid]: Value[]): Words | undefined {
  if (typeof text !== "string") return undefined;
  if (kind === OFFER || kind === ANSWER) {
    const type = kind === OFFER ? "offer" : "answer";
    return text.length <= MAX_SDP ? { type, sdp: text } : undefined;
  }
  if (kind !== CANDIDATE || typeof mid !== "string" || mid.length > MAX_MID) return undefined;
  return text.length <= MAX_CANDIDATE ? { type: "candidate", candidate: text, mid } : undefined;
}

/**
 * A description without candidates, which travel one by one. An offer takes the active
 * role in DTLS (RFC 8842 §5.2): the answering end is the first to find a pair, and what
 * it then sends is lost on an offering end that has not: measured, a second in two of
 * three attempts. An answer to it comes out passive by itself.
 */
export function ownDescription(type: "offer" | "answer", sdp: string): Words {
  const lines = sdp.split(/\r?\n/).filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line));
  const text = lines.join("\r\n");
  return { type, sdp: type === "offer" ? text.replace("a=setup:actpass", "a=setup:active") : text };
}

/** Whether a candidate is an address of this machine itself (RFC 8445 §5.1.1). */
export function isHostCandidate(candidate: string): boolean {
  return / typ host( |$)/.test(candidate);
}

/** Whether a candidate is what a STUN server saw: the last that is worth waiting for. */
export function isReflexiveCandidate(candidate: string): boolean {
  return / typ srflx( |$)/.test(candidate);
}
