/** Topics: a peer announces itself in one, and is told who else is there. */
import type { Value } from "./cbor.ts";
import { FieldFrames } from "./field_frames.ts";
import { MAX_ANNOUNCEMENT, MAX_ROSTER } from "./limits.ts";
import {
  type Announce,
  type Key,
  Kind,
  type Reason,
  type Roster,
  type TopicMember,
  type Withdraw,
} from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { is32, isList, isReason, isUint } from "./shape.ts";

/** @throws {RangeError} when the announcement is larger than `MAX_ANNOUNCEMENT`. */
export function encodeAnnounce(announcement: Uint8Array, tells: boolean): Uint8Array {
  const frame = [Kind.announce, announcement, tells ? 1 : 0];
  return encodeChecked(frame, readAnnounce(frame), "announce");
}

export function readAnnounce([, announcement, tells]: Value[]): Announce | undefined {
  if (!isAnnouncement(announcement) || !isUint(tells, 1)) return undefined;
  return { kind: "announce", announcement, tells: tells === 1 };
}

/** Bytes that may be an announcement: what they say is not looked at. */
export function isAnnouncement(value: Value | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= MAX_ANNOUNCEMENT;
}

export const topicFrames: FieldFrames<Withdraw | Roster> = new FieldFrames<Withdraw | Roster>({
  withdraw: { topic: is32 },
  roster: { reason: isReason, topic: is32, size: isUint, peers: isShown },
});

export function encodeWithdraw(topic: Key): Uint8Array {
  return topicFrames.encode({ kind: "withdraw", topic });
}

/** @throws {RangeError} for more than `MAX_ROSTER` peers. */
export function encodeRoster(reason: Reason, topic: Key, size: number, peers: Key[]): Uint8Array {
  return topicFrames.encode({ kind: "roster", reason, topic, size, peers });
}

function isShown(value: Value | undefined): value is Key[] {
  return isList(value, MAX_ROSTER, is32);
}

export function encodeMember(topic: Key, peer: Key, present: boolean): Uint8Array {
  const frame = [Kind.member, topic, peer, present ? 1 : 0];
  return encodeChecked(frame, readTopicMember(frame), "member");
}

export function readTopicMember([, topic, peer, present]: Value[]): TopicMember | undefined {
  if (!is32(topic) || !is32(peer) || !isUint(present, 1)) return undefined;
  return { kind: "member", topic, peer, present: present === 1 };
}
