/**
 * Writes and reads the items of the CBOR subset (RFC 8949) that `cbor.ts` describes. For frames as small
 * as ours cbor-x, the quickest library, takes three to five times as long to write (auth on Bun: 2.8 µs
 * against 0.6), and forty times as much code, which a node that receives a peer runs before it is hot.
 *
 * @module
 */

/** What can be written and read. Integers are safe and never negative. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | Map<string, Value>;

/** Major types (§3.1). */
const UNSIGNED = 0, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5;
/** Major type 7: `false`, `true`, `null` (§3.3). */
const FALSE = 0xf4, TRUE = 0xf5, NULL = 0xf6;

const toText = new TextDecoder("utf-8", { ignoreBOM: true });
const toUtf8 = new TextEncoder();
/** Below this many bytes a loop is quicker than a call of the runtime. */
const SHORT = 64;

/** Bytes kept for the next item; what is larger is rare, and let go. */
const KEPT = 65_536;

/** Writes one item behind the other; the bytes it writes to are used again. */
export class ItemWriter {
  #bytes: Uint8Array = new Uint8Array(4_096);
  #at = 0;

  /** Fresh bytes of exactly the item's length. @throws {TypeError} for what the subset cannot carry. */
  encode(item: Value): Uint8Array {
    this.#at = 0;
    this.#write(item);
    const encoded = this.#bytes.slice(0, this.#at);
    if (this.#bytes.length > KEPT) this.#bytes = new Uint8Array(KEPT);
    return encoded;
  }

  #write(item: Value): void {
    if (typeof item === "number") this.#writeInteger(item);
    else if (typeof item === "string") this.#writeText(item);
    else if (item instanceof Uint8Array) this.#writeBytes(BYTES, item);
    else if (item === null || typeof item === "boolean") {
      this.#head(item === null ? NULL : item ? TRUE : FALSE);
    } else if (Array.isArray(item)) {
      this.#argument(ARRAY, item.length);
      for (const child of item) this.#write(child);
    } else if (item instanceof Map) this.#writeMap(item);
    else {throw new TypeError(
        `CBOR of this protocol cannot carry ${typeof item}; use null, text, bytes, arrays or Map`,
      );}
  }

  #writeInteger(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TypeError(`CBOR of this protocol carries integers from 0 to 2^53-1, not ${value}`);
    }
    this.#argument(UNSIGNED, value);
  }

  #writeText(text: string): void {
    if (text.length < SHORT && this.#writeAscii(text)) return;
    if (/\p{Surrogate}/u.test(text)) throw new TypeError("text holds a lone surrogate: it has no UTF-8 form");
    if (text.startsWith("\ufeff")) throw new TypeError("text begins with a byte order mark: remove it");
    this.#writeBytes(TEXT, toUtf8.encode(text));
  }

  /** False, and nothing is written, if there are other characters. */
  #writeAscii(text: string): boolean {
    const start = this.#at;
    this.#argument(TEXT, text.length);
    this.#require(text.length);
    const bytes = this.#bytes;
    let at = this.#at, all = 0;
    for (let i = 0; i < text.length; i++) all |= bytes[at++] = text.charCodeAt(i);
    this.#at = all < 0x80 ? at : start;
    return all < 0x80;
  }

  #writeBytes(major: number, content: Uint8Array): void {
    this.#argument(major, content.length);
    this.#require(content.length);
    if (content.length >= SHORT) this.#bytes.set(content, this.#at);
    else {for (let i = 0, bytes = this.#bytes, at = this.#at; i < content.length; i++) {
        bytes[at++] = content[i]!;
      }}
    this.#at += content.length;
  }

  /** In the order of the encoded keys (§4.2.1): shorter heads, which stand for shorter keys, first. */
  #writeMap(map: Map<string, Value>): void {
    this.#argument(MAP, map.size);
    const keys = [...map.keys()].map((key) => {
      if (typeof key !== "string") throw new TypeError("map keys are text");
      return { key, utf8: toUtf8.encode(key) };
    });
    keys.sort((a, b) => a.utf8.length - b.utf8.length || compareBytes(a.utf8, b.utf8));
    for (const { key } of keys) {
      this.#writeText(key);
      this.#write(map.get(key)!);
    }
  }

  /** The initial byte and its argument, in as few bytes as can be (§4.2.1). */
  #argument(major: number, argument: number): void {
    const high = major << 5;
    if (argument < 24) return this.#head(high | argument);
    const width = argument < 0x100 ? 0 : argument < 0x1_0000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3;
    this.#head(high | 24 + width);
    const size = 1 << width;
    for (let i = size - 1, rest = argument; i >= 0; i--, rest = Math.floor(rest / 256)) {
      this.#bytes[this.#at + i] = rest % 256;
    }
    this.#at += size;
  }

  #head(byte: number): void {
    this.#require(9); // with its argument
    this.#bytes[this.#at++] = byte;
  }

  #require(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#at + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
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

/** Reads one item after the other, of bytes that `scan` went over: it bounded their number, sizes and depth. */
export class ItemReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): Value {
    const initial = this.#bytes[this.#at++]!;
    const argument = this.#argument(initial & 31);
    switch (initial >> 5) {
      case BYTES:
        return this.#copy(argument);
      case TEXT:
        return this.#text(argument);
      case ARRAY:
        return this.#items(argument);
      case MAP:
        return this.#map(argument);
      case 7:
        return initial === NULL ? null : initial === TRUE;
      default:
        return argument;
    }
  }

  #argument(low: number): number {
    if (low < 24) return low;
    let argument = 0;
    for (let left = 1 << low - 24; left > 0; left--) argument = argument * 256 + this.#bytes[this.#at++]!;
    return argument;
  }

  /** Not `slice`, with which a Node `Buffer` would give a view. */
  #copy(size: number): Uint8Array {
    const copy = new Uint8Array(size);
    if (size < SHORT) { for (let i = 0; i < size; i++) copy[i] = this.#bytes[this.#at++]!; }
    else copy.set(this.#bytes.subarray(this.#at, this.#at += size));
    return copy;
  }

  #text(size: number): string {
    return toText.decode(this.#bytes.subarray(this.#at, this.#at += size));
  }

  #items(count: number): Value[] {
    const items: Value[] = [];
    for (let i = 0; i < count; i++) items.push(this.next());
    return items;
  }

  #map(count: number): Map<string, Value> {
    const map = new Map<string, Value>();
    for (let i = 0; i < count; i++) map.set(this.next() as string, this.next());
    return map;
  }
}
