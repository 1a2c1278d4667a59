/**
 * Messages of a {@link Socket} on a plain byte stream, for two processes of one machine that trust each
 * other: no mask, and nothing to negotiate.
 *
 *     offset  0     1                           4
 *             kind  length (3 bytes, big-endian) body
 *
 * @module
 */
import { MAX_MESSAGE } from "../wire/limits.ts";

/** What a body is. That of `close` is a code in two bytes, big-endian, and a reason in UTF-8. */
export const LaneKind = { bytes: 0, text: 1, close: 2 } as const;
export type LaneKind = (typeof LaneKind)[keyof typeof LaneKind];

/** Bytes before each body. */
export const LANE_HEAD = 4;

const NONE = new Uint8Array(0);

/** Writes the head of a body of `length` bytes to the beginning of `frame`. */
export function writeLaneHead(frame: Uint8Array, kind: LaneKind, length: number): void {
  frame[0] = kind;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
}

export function closeBody(code: number, reason: string): Uint8Array {
  return Uint8Array.of(code >>> 8, code, ...new TextEncoder().encode(reason));
}

/** Whom a {@link LaneReader} tells what came. */
export interface LaneOwner {
  /** May overwrite `message`. */
  message(message: Uint8Array | string): void;
  /** The other side closes. Nothing comes after it. */
  closing(code: number, reason: string): void;
}

/** Reads messages from a byte stream, however that is cut. */
export class LaneReader {
  readonly #owner: LaneOwner;
  readonly #head = new Uint8Array(LANE_HEAD);
  #headHeld = 0;
  /** The one that is not whole yet. */
  #kind = 0;
  #body: Uint8Array | undefined;
  #bodyHeld = 0;
  #over: string | undefined;

  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  /**
   * Takes the next bytes of the stream, which it keeps, and which the owner may overwrite. Returns why nothing more is
   * read: the stream is none of this protocol.
   */
  read(chunk: Uint8Array): string | undefined {
    for (let at = 0; this.#over === undefined && at < chunk.length;) {
      at = this.#body === undefined ? this.#readHead(chunk, at) : this.#readRest(chunk, at, this.#body);
    }
    return this.#over;
  }

  /** Returns the offset behind what was read: a head, and the body behind it as far as it is there. */
  #readHead(chunk: Uint8Array, start: number): number {
    let at = start;
    while (this.#headHeld < LANE_HEAD && at < chunk.length) this.#head[this.#headHeld++] = chunk[at++]!;
    if (this.#headHeld < LANE_HEAD) return at;
    this.#headHeld = 0;
    const [kind, high, middle, low] = this.#head as unknown as [number, number, number, number];
    const length = high << 16 | middle << 8 | low;
    this.#over = obstacle(kind, length);
    if (this.#over !== undefined) return at;
    this.#kind = kind;
    if (length > chunk.length - at) return this.#beginBody(length, at);
    this.#deliver(length === 0 ? NONE : chunk.subarray(at, at + length));
    return at + length;
  }

  #beginBody(length: number, at: number): number {
    this.#body = new Uint8Array(length);
    this.#bodyHeld = 0;
    return at;
  }

  #readRest(chunk: Uint8Array, at: number, body: Uint8Array): number {
    const end = Math.min(chunk.length, at + body.length - this.#bodyHeld);
    body.set(chunk.subarray(at, end), this.#bodyHeld);
    this.#bodyHeld += end - at;
    if (this.#bodyHeld === body.length) {
      this.#body = undefined;
      this.#deliver(body);
    }
    return end;
  }

  #deliver(body: Uint8Array): void {
    if (this.#kind === LaneKind.bytes) return this.#owner.message(body);
    if (this.#kind === LaneKind.text) return this.#owner.message(new TextDecoder().decode(body));
    this.#over = "the other side has closed";
    this.#owner.closing(body[0]! << 8 | body[1]!, new TextDecoder().decode(body.subarray(2)));
  }
}

function obstacle(kind: number, length: number): string | undefined {
  if (kind > LaneKind.close) return `a message of kind ${kind}`;
  if (length > MAX_MESSAGE) return `a message of ${length} bytes, where ${MAX_MESSAGE} are the most`;
  return kind === LaneKind.close && length < 2 ? "a close without a code" : undefined;
}
