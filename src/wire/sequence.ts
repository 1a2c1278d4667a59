/**
 * A WebSocket message: one or more frames behind each other (a CBOR sequence, RFC
 * 8742). All of it is checked before any of it is acted on (protocol rule 14), so a
 * message that turns out malformed at its end has had no effect.
 *
 * @module
 */
import { scan } from "./cbor.ts";
import { dataEnd, isData } from "./data_frame.ts";
import { forwardEnd, isForward } from "./forward_frame.ts";
import { MAX_BATCH, MAX_CONTROL, MAX_DEPTH, MAX_MESSAGE } from "./limits.ts";
import { joinBytes } from "./join_bytes.ts";

/** Why {@link checkBatch} refuses a message. */
export const BatchError = { malformed: -1, tooManyFrames: -2, tooLarge: -3 } as const;
export type BatchError = (typeof BatchError)[keyof typeof BatchError];

/**
 * The offset behind the frame that begins at `offset`, or -1 when there is none:
 * cut off, not deterministic CBOR, not an array that begins with its kind, or a
 * control frame larger than `MAX_CONTROL`. Constant time for data frames.
 */
export function frameEnd(message: Uint8Array, offset: number): number {
  if (isData(message, offset)) return dataEnd(message, offset);
  if (isForward(message, offset)) return forwardEnd(message, offset);
  if (!isFrameHead(message, offset)) return -1;
  return scan(message, offset, Math.min(message.length, offset + MAX_CONTROL), MAX_DEPTH);
}

/**
 * The number of frames in `message` (1 … `MAX_BATCH`), or a negative
 * {@link BatchError}. After a positive answer {@link frameEnd} walks the message
 * without failing.
 *
 * @example
 * ```ts
 * import { checkBatch, frameEnd } from "./sequence.ts";
 * const message = new Uint8Array([0x82, 0x07, 0x40, 0x82, 0x07, 0x40]);
 * checkBatch(message); // 2
 * frameEnd(message, 0); // 3
 * ```
 */
export function checkBatch(message: Uint8Array): number {
  if (message.length > MAX_MESSAGE) return BatchError.tooLarge;
  let frames = 0;
  for (let offset = 0; offset < message.length; frames++) {
    if (frames === MAX_BATCH) return BatchError.tooManyFrames;
    offset = frameEnd(message, offset);
    if (offset < 0) return BatchError.malformed;
  }
  return frames === 0 ? BatchError.malformed : frames;
}

/** Views of the frames of `message`, or `undefined` when {@link checkBatch} refuses it. */
export function splitFrames(message: Uint8Array): Uint8Array[] | undefined {
  if (checkBatch(message) < 0) return undefined;
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < message.length;) {
    const end = frameEnd(message, offset);
    frames.push(message.subarray(offset, end));
    offset = end;
  }
  return frames;
}

/** One message of these frames. The caller keeps to `MAX_BATCH` and `MAX_MESSAGE`. */
export function concatFrames(frames: readonly Uint8Array[]): Uint8Array {
  return joinBytes(frames);
}

/** A non-empty array whose first element is an unsigned integer; an array of 24 or more has a longer head. */
function isFrameHead(message: Uint8Array, offset: number): boolean {
  const head = message[offset]!;
  if (head === 0x80 || head >> 5 !== 4) return false;
  const kind = offset + (head < 0x98 ? 1 : 1 + (1 << (head - 0x98)));
  return kind < message.length && message[kind]! < 0x20;
}
