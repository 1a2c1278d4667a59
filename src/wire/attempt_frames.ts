/**
 * The frames about attempts. Encoders take what readers give, in the same shapes; a
 * caller's value out of bounds is a `RangeError`, a stranger's `undefined`.
 *
 * @module
 */
import type {
  Answer,
  AttemptAsk,
  AttemptFromNode,
  AttemptFromPeer,
  Denied,
  Granted,
  Invite,
  Outcome,
  Report,
  Start,
} from "./attempt_protocol.ts";
import type { Value } from "./cbor.ts";
import { MAX_ATTEMPT_TIME } from "./limits.ts";
import { Kind } from "./protocol.ts";
import { encodeChecked } from "./session_frames.ts";
import { is32, isBytes, isReason, isUint } from "./shape.ts";

export type AttemptFrame = AttemptFromPeer | AttemptFromNode;

const MAX_REQUEST = 0xffff_ffff;
/** Bytes of an attempt's id. */
export const ATTEMPT_SIZE = 16;

/** Reads a decoded frame about an attempt; `undefined`: malformed, or of no such kind. */
export function readAttemptFrame(kind: number, frame: Value[]): AttemptFrame | undefined {
  switch (kind) {
    case Kind.attempt:
      return readAsk(frame);
    case Kind.granted:
      return readGranted(frame);
    case Kind.denied:
      return readDenied(frame);
    case Kind.invite:
      return readInvite(frame);
    case Kind.answer:
      return readAnswer(frame);
    case Kind.start:
      return readStart(frame);
    case Kind.report:
      return readReport(frame);
    case Kind.outcome:
      return readOutcome(frame);
    default:
      return undefined;
  }
}

/** @throws {RangeError} when a field is out of bounds. */
export function encodeAttemptFrame(frame: AttemptFrame): Uint8Array {
  const items = itemsOf(frame);
  return encodeChecked(items, readAttemptFrame(items[0] as number, items), frame.kind);
}

function itemsOf(frame: AttemptFrame): Value[] {
  switch (frame.kind) {
    case "attempt":
      return [Kind.attempt, frame.request, frame.peer];
    case "granted":
      return [Kind.granted, frame.request, frame.attempt, frame.answer, frame.connect];
    case "denied":
      return [Kind.denied, frame.request, frame.reason, frame.retryAfter];
    case "invite":
      return [Kind.invite, frame.attempt, frame.broker, frame.peer, frame.answer, frame.connect];
    case "answer":
      return [Kind.answer, frame.attempt, frame.broker, frame.reason, frame.held];
    case "start":
      return [Kind.start, frame.attempt, frame.delay];
    case "report":
      return [Kind.report, frame.attempt, frame.broker, frame.reason];
    case "outcome":
      return [Kind.outcome, frame.attempt, frame.reason, frame.duration];
  }
}

function readAsk([, request, peer]: Value[]): AttemptAsk | undefined {
  return isUint(request, MAX_REQUEST) && is32(peer) ? { kind: "attempt", request, peer } : undefined;
}

function readGranted([, request, attempt, answer, connect]: Value[]): Granted | undefined {
  if (!isUint(request, MAX_REQUEST) || !isAttempt(attempt)) return undefined;
  return isTime(answer) && isTime(connect)
    ? { kind: "granted", request, attempt, answer, connect }
    : undefined;
}

function readDenied([, request, reason, retryAfter]: Value[]): Denied | undefined {
  if (!isUint(request, MAX_REQUEST) || !isReason(reason) || reason === 0) return undefined;
  return isUint(retryAfter) ? { kind: "denied", request, reason, retryAfter } : undefined;
}

function readInvite([, attempt, broker, peer, answer, connect]: Value[]): Invite | undefined {
  if (!isAttempt(attempt) || !is32(broker) || !is32(peer) || !isTime(answer)) return undefined;
  return isTime(connect) ? { kind: "invite", attempt, broker, peer, answer, connect } : undefined;
}

function readAnswer([, attempt, broker, reason, held]: Value[]): Answer | undefined {
  if (!isAttempt(attempt) || !is32(broker) || !isReason(reason)) return undefined;
  return isTime(held) ? { kind: "answer", attempt, broker, reason, held } : undefined;
}

function readStart([, attempt, delay]: Value[]): Start | undefined {
  return isAttempt(attempt) && isTime(delay) ? { kind: "start", attempt, delay } : undefined;
}

function readReport([, attempt, broker, reason]: Value[]): Report | undefined {
  if (!isAttempt(attempt) || !is32(broker) || !isReason(reason) || reason === 0) return undefined;
  return { kind: "report", attempt, broker, reason };
}

function readOutcome([, attempt, reason, duration]: Value[]): Outcome | undefined {
  if (!isAttempt(attempt) || !isReason(reason) || reason === 0 || !isUint(duration)) return undefined;
  return { kind: "outcome", attempt, reason, duration };
}

function isAttempt(value: Value | undefined): value is Uint8Array {
  return isBytes(value, ATTEMPT_SIZE);
}

function isTime(value: Value | undefined): value is number {
  return isUint(value, MAX_ATTEMPT_TIME);
}
