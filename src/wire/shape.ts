/** Shape and size checks of decoded CBOR, shared by frames, bodies and records. */
import type { Value } from "./cbor.ts";
import { MAX_CONTROL, MAX_NODES, MAX_REASON, MAX_TEXT, RECORD_LIFETIME } from "./limits.ts";
import type { SignedBytes } from "./protocol.ts";

export const SIGNATURE_SIZE = 64;

export function isBytes(value: Value | undefined, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size;
}

/** 32 bytes: a key, or a challenge. */
export function is32(value: Value | undefined): value is Uint8Array {
  return isBytes(value, 32);
}

export function isUint(value: Value | undefined, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max;
}

export function isReason(value: Value | undefined): value is number {
  return isUint(value, MAX_REASON);
}

/** A reason other than 0, which is none. */
export function isFailure(value: Value | undefined): value is number {
  return isReason(value) && value !== 0;
}

/** A number that an asker chose, to know the answer by. */
export function isRequest(value: Value | undefined): value is number {
  return isUint(value, 0xffff_ffff);
}

/** Milliseconds for which a record still holds. */
export function isLeft(value: Value | undefined): value is number {
  return isUint(value, RECORD_LIFETIME);
}

/** Text of at most `max` bytes of UTF-8. */
export function isText(value: Value | undefined, max: number = MAX_TEXT): value is string {
  if (typeof value !== "string" || value.length > max) return false;
  return 3 * value.length <= max || new TextEncoder().encode(value).length <= max;
}

export function isList<T extends Value>(
  value: Value | undefined,
  max: number,
  isItem: (item: Value) => item is T,
): value is T[] {
  return Array.isArray(value) && value.length <= max && value.every(isItem);
}

export function isFeature(value: Value): value is string {
  return isText(value);
}

/** A WebSocket URL: anything else could make a dialer fetch what a stranger names. */
export function isNodeUrl(value: Value): value is string {
  return isText(value) && /^wss?:\/\//.test(value) && URL.canParse(value);
}

export function isNodes(value: Value | undefined): value is string[] {
  return isList(value, MAX_NODES, isNodeUrl);
}

/** RFC 7064. */
export function isStunUrl(value: Value): value is string {
  return isText(value) && /^stuns?:[^\s/]+$/.test(value);
}

/** RFC 7065. */
export function isTurnUrl(value: Value): value is string {
  return isText(value) && /^turns?:[^\s/]+$/.test(value);
}

/** A body as it was signed, and its signature. */
export function readSigned(body: Value | undefined, signature: Value | undefined): SignedBytes | undefined {
  if (!(body instanceof Uint8Array) || body.length > MAX_CONTROL) return undefined;
  return isBytes(signature, SIGNATURE_SIZE) ? { body, signature } : undefined;
}
