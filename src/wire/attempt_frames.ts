/**
 * The frames about attempts. Encoders take what readers give, in the same shapes; a
 * caller's value out of bounds is a `RangeError`, a stranger's `undefined`.
 *
 * @module
 */
import type { AttemptFromNode, AttemptFromPeer } from "./attempt_protocol.ts";
import type { Value } from "./cbor.ts";
import { FieldFrames } from "./field_frames.ts";
import { MAX_ATTEMPT_TIME } from "./limits.ts";
import { is32, isBytes, isFailure, isReason, isRequest, isUint } from "./shape.ts";

export type AttemptFrame = AttemptFromPeer | AttemptFromNode;

/** Bytes of an attempt's id. */
export const ATTEMPT_SIZE = 16;

/** Reads and writes them. */
export const attemptFrames: FieldFrames<AttemptFrame> = new FieldFrames<AttemptFrame>({
  attempt: { request: isRequest, peer: is32 },
  granted: { request: isRequest, attempt: isAttempt, answer: isTime, connect: isTime },
  denied: { request: isRequest, reason: isFailure, retryAfter: isUint },
  invite: { attempt: isAttempt, broker: is32, peer: is32, answer: isTime, connect: isTime },
  answer: { attempt: isAttempt, broker: is32, reason: isReason, held: isTime },
  start: { attempt: isAttempt, delay: isTime },
  report: { attempt: isAttempt, broker: is32, reason: isFailure },
  outcome: { attempt: isAttempt, reason: isFailure, duration: isUint },
});

/** @throws {RangeError} when a field is out of bounds. */
export function encodeAttemptFrame(frame: AttemptFrame): Uint8Array {
  return attemptFrames.encode(frame);
}

function isAttempt(value: Value | undefined): value is Uint8Array {
  return isBytes(value, ATTEMPT_SIZE);
}

function isTime(value: Value | undefined): value is number {
  return isUint(value, MAX_ATTEMPT_TIME);
}
