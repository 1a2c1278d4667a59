/**
 * Who is told when a peer leaves: those who exchanged frames with it or looked it up.
 * Without this they would find out only by sending into nothing.
 *
 * @module
 */
import { encodeNotice } from "../wire/frames.ts";
import { Reason } from "../wire/protocol.ts";
import type { Seat } from "./registry.ts";

/**
 * `listener` will be told when `subject` leaves. At most `most` are kept; the oldest is forgotten. Who left
 * meanwhile goes now: who only looked `subject` up is not known to it as one who leaves.
 */
export function watch(subject: Seat, listener: Seat, most: number): void {
  const listeners = subject.correspondents ??= new Set();
  if (listeners.has(listener)) return;
  for (const one of listeners) if (!one.live) listeners.delete(one);
  if (listeners.size >= most) listeners.delete(listeners.values().next().value!);
  listeners.add(listener);
}

/** Both exchanged frames: each will be told when the other leaves. */
export function acquaint(one: Seat, other: Seat, most: number): void {
  if (one === other) return;
  watch(one, other, most);
  watch(other, one, most);
}

/**
 * `subject` left: its correspondents are told in this turn of the event loop, and
 * forget it. Returns how many were told.
 */
export function tellGone(subject: Seat): number {
  const listeners = subject.correspondents;
  if (listeners === undefined) return 0;
  subject.correspondents = undefined;
  const notice = encodeNotice(Reason.gone, subject.key);
  for (const listener of listeners) {
    listener.correspondents?.delete(subject);
    listener.session.send(notice);
  }
  return listeners.size;
}
