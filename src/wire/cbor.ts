/**
 * Deterministic CBOR (RFC 8949 §4.2), the part of it that this protocol uses:
 * unsigned integers up to 2^53−1, byte and text strings, arrays, maps with text
 * keys, `false`, `true`, `null`. Everything else is refused.
 *
 * cbor-x alone is a hazard on a stranger's bytes (a 262-byte graph of tags 28/29
 * costs ten seconds, 39 bytes of tag 64 allocate gigabytes), so {@link scan},
 * which neither recurses nor allocates by declared lengths, stands before it.
 *
 * @module
 */
import { codec } from "./cbor_codec.ts";
import { MAX_DEPTH, MAX_ITEMS } from "./limits.ts";

/** What can be written and read. Integers are safe and never negative. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | Map<string, Value>;

/**
 * Writes `value` in its only permitted form: shortest heads, map keys sorted by
 * their encoded bytes. The result is a fresh buffer of exactly its length.
 *
 * @throws {TypeError} for what this subset cannot carry: fractions, negative or
 * unsafe integers, `undefined`, text with lone surrogates or a byte order mark.
 *
 * @example
 * ```ts
 * import { encode } from "./cbor.ts";
 * encode([6, new Uint8Array([1, 2])]); // 82 06 42 01 02
 * ```
 */
export function encode(value: Value): Uint8Array {
  return codec.encode(prepare(value));
}

/**
 * Reads exactly one item, or `undefined` when `bytes` is anything but the
 * deterministic encoding of one {@link Value}, nests containers deeper than
 * `depth`, or holds more than `MAX_ITEMS` items. Never throws. Byte strings are
 * copies: they stay when `bytes` is overwritten.
 *
 * @example
 * ```ts
 * import { decode } from "./cbor.ts";
 * decode(new Uint8Array([0x82, 6, 0xf6])); // [6, null]
 * decode(new Uint8Array([0x18, 6])); // undefined: 6 has a shorter form
 * ```
 */
export function decode(bytes: Uint8Array, depth: number = MAX_DEPTH): Value | undefined {
  if (scan(bytes, 0, bytes.length, depth) !== bytes.length) return undefined;
  return codec.decode(plain(bytes)) as Value;
}

/**
 * Reads the item that {@link scan} found from `offset` to `end`, and nothing else. With
 * `views` its byte strings are views into `bytes`, which they keep in memory.
 */
export function decodeScanned(bytes: Uint8Array, offset: number, end: number, views: boolean): Value {
  const item = new Uint8Array(bytes.buffer, bytes.byteOffset + offset, end - offset);
  return (views ? codec.decodeViews(item) : codec.decode(item)) as Value;
}

/**
 * The offset behind the one well-formed, deterministic item that begins at
 * `offset`, or -1. Reads nothing at or behind `end`. `depth` is the number of
 * containers that may lie within each other: 0 permits no array and no map.
 */
export function scan(bytes: Uint8Array, offset: number, end: number, depth: number): number {
  const reader = new Reader(bytes, offset, end);
  const levels: Level[] = [];
  for (let items = 0; items < MAX_ITEMS; items++) {
    const start = reader.at;
    if (!reader.next()) return -1;
    const parent = levels.at(-1);
    if (parent && !parent.take(reader, start)) return -1;
    if (reader.container) {
      if (levels.length >= depth) return -1;
      levels.push(new Level(reader.major === MAP, reader.children));
    }
    while (levels.at(-1)?.left === 0) levels.pop();
    if (levels.length === 0) return reader.at;
  }
  return -1;
}

const UNSIGNED = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const SIMPLE = 7;
const FALSE = 20;
const NULL = 22;

/** The smallest argument that needs 1, 2, 4, 8 bytes behind the head. */
const SHORTEST = [24, 0x100, 0x1_0000, 0x1_0000_0000];
/** Code units below it are characters, and none is the byte order mark. */
const FIRST_SURROGATE = 0xd800;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One step over the bytes: a scalar with its content, or the head of a container. */
class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  major = 0;
  argument = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get container(): boolean {
    return this.major === ARRAY || this.major === MAP;
  }

  /** Items within the container whose head was read last. */
  get children(): number {
    return this.major === MAP ? 2 * this.argument : this.argument;
  }

  next(): boolean {
    if (!this.#head()) return false;
    switch (this.major) {
      case UNSIGNED:
        return true;
      case BYTES:
        return this.#skip();
      case TEXT:
        return this.#skip() && isText(this.bytes, this.at - this.argument, this.at);
      case ARRAY:
      case MAP:
        // Each child takes a byte at least: a huge declared count ends here.
        return this.children <= this.end - this.at;
      case SIMPLE:
        return this.argument >= FALSE && this.argument <= NULL;
      default: // negative integers, tags
        return false;
    }
  }

  #head(): boolean {
    if (this.at >= this.end) return false;
    const initial = this.bytes[this.at++]!;
    this.major = initial >> 5;
    this.argument = initial & 31;
    if (this.argument < 24) return true;
    if (this.argument > 27) return false; // reserved, or of indefinite length
    return this.#longArgument(this.argument - 24);
  }

  #longArgument(width: number): boolean {
    const size = 1 << width;
    if (this.end - this.at < size) return false;
    let argument = 0;
    for (let i = 0; i < size; i++) argument = argument * 256 + this.bytes[this.at++]!;
    this.argument = argument;
    return argument >= SHORTEST[width]! && argument <= Number.MAX_SAFE_INTEGER;
  }

  #skip(): boolean {
    if (this.argument > this.end - this.at) return false;
    this.at += this.argument;
    return true;
  }
}

/** A container that is being read. */
class Level {
  readonly map: boolean;
  left: number;
  #keyStart = 0;
  #keyEnd = 0;

  constructor(map: boolean, left: number) {
    this.map = map;
    this.left = left;
  }

  /** Counts the item just read; a map key must be text and greater than the key before. */
  take(reader: Reader, start: number): boolean {
    const key = this.map && this.left % 2 === 0;
    this.left--;
    if (!key) return true;
    if (reader.major !== TEXT || !this.#ascends(reader.bytes, start, reader.at)) return false;
    this.#keyStart = start;
    this.#keyEnd = reader.at;
    return true;
  }

  #ascends(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keyEnd === 0) return true;
    return compareBytes(bytes.subarray(this.#keyStart, this.#keyEnd), bytes.subarray(start, end)) < 0;
  }
}

/** Negative, 0 or positive as `a` sorts before, with or after `b`, byte by byte. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

/** Valid UTF-8 without a byte order mark, which RFC 3629 §6 asks protocols to forbid. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at]! < 0x80) at++;
  if (at === end) return true;
  if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) return false;
  try {
    utf8.decode(bytes.subarray(at, end));
    return true;
  } catch {
    return false;
  }
}

/** Slices of a Node `Buffer` would be `Buffer`s again. Only then a view: it costs short arrays a buffer of their own. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The same value in the shapes that cbor-x writes deterministically. */
function prepare(value: Value): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return prepareInteger(value);
  if (typeof value === "string") return prepareText(value);
  if (value instanceof Uint8Array) return plain(value);
  if (Array.isArray(value)) return value.map(prepare);
  if (value instanceof Map) return prepareMap(value);
  throw new TypeError(
    `CBOR of this protocol cannot carry ${typeof value}; use null, text, bytes, arrays or Map`,
  );
}

/** cbor-x writes numbers above 2^32−1 as floats, but bigints as integers. */
function prepareInteger(value: number): number | bigint {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`CBOR of this protocol carries integers from 0 to 2^53-1, not ${value}`);
  }
  return value > 0xffff_ffff ? BigInt(value) : value + 0; // + 0: -0 becomes 0
}

function prepareText(value: string): string {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= FIRST_SURROGATE) return rareText(value);
  return value;
}

function rareText(value: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new TypeError("text holds a lone surrogate: it has no UTF-8 form");
  if (value.startsWith("\ufeff")) throw new TypeError("text begins with a byte order mark: remove it");
  return value;
}

function prepareMap(map: Map<string, Value>): Map<string, unknown> {
  const entries = [...map].map(([key, value]) => ({ key, order: encode(key), value: prepare(value) }));
  entries.sort((a, b) => compareBytes(a.order, b.order));
  for (const { key } of entries) {
    if (typeof key !== "string") throw new TypeError("map keys are text");
  }
  return new Map(entries.map(({ key, value }) => [key, value]));
}
