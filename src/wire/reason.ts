/** Names of reason codes, and reasons as WebSocket close codes. */
import { MAX_CLOSE_TEXT, MAX_REASON } from "./limits.ts";
import { Reason } from "./protocol.ts";

const names = new Map(Object.entries(Reason).map(([key, code]) => [code as number, kebab(key)]));
const codes = new Map([...names].map(([code, name]) => [name, code]));

/**
 * The name of a reason code, for logs, metrics and people; `reason 999` when this
 * version does not know it.
 *
 * @example
 * ```ts
 * import { reasonName } from "./reason.ts";
 * reasonName(4); // "over-capacity"
 * ```
 */
export function reasonName(code: number): string {
  return names.get(code) ?? `reason ${code}`;
}

/** The code of a name that {@link reasonName} gives, or `undefined`. */
export function reasonCode(name: string): number | undefined {
  const numbered = /^reason (\d{1,3})$/.exec(name);
  return numbered ? Number(numbered[1]) : codes.get(name);
}

/** The WebSocket close code of a reason: 1000 for `closed`, otherwise 4000 + reason (RFC 6455 §7.4.2). */
export function closeCode(reason: number): number {
  if (!Number.isInteger(reason) || reason < 0 || reason > MAX_REASON) {
    throw new RangeError(`reasons are 0 to ${MAX_REASON}, not ${reason}`);
  }
  return reason === Reason.closed ? 1000 : 4000 + reason;
}

/** The reason that a close code carries, or `undefined` when it came from WebSocket itself (1001, 1006, …). */
export function closeReason(code: number): number | undefined {
  if (code === 1000) return Reason.closed;
  return code >= 4000 && code <= 4000 + MAX_REASON ? code - 4000 : undefined;
}

/** `text` as a WebSocket close reason may be: at most 123 bytes of UTF-8. */
export function closeText(text: string): string {
  return clipText(text, MAX_CLOSE_TEXT);
}

/** The longest beginning of `text`, less byte order marks, with at most `max` bytes of valid UTF-8. */
export function clipText(text: string, max: number): string {
  const clipped = new Uint8Array(max);
  const { written } = new TextEncoder().encodeInto(text.replace(/^\ufeff+/, ""), clipped);
  return new TextDecoder().decode(clipped.subarray(0, written));
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
