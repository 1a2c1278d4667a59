/**
 * The part of CBOR (RFC 8949) that this protocol uses, in 1 kB: what bundles for browsers have
 * in place of `cbor_codec.ts`. Both pass the same vectors and write the same bytes.
 *
 * @module
 */
import type { CborCodec } from "./cbor_codec.ts";
import { joinBytes } from "./join_bytes.ts";

export const codec: CborCodec = {
  encode(item) {
    const parts: Uint8Array[] = [];
    write(item, parts);
    return joinBytes(parts);
  },
  decode: (bytes) => new Items(bytes, false).next(),
  decodeViews: (bytes) => new Items(bytes, true).next(),
};

const toText = new TextDecoder("utf-8", { ignoreBOM: true });
const toUtf8 = new TextEncoder();
/** Major type 7: `false`, `true`, `null` (RFC 8949 §3.3). */
const SIMPLE = new Map<unknown, number>([[false, 0xf4], [true, 0xf5], [null, 0xf6]]);

function write(item: unknown, parts: Uint8Array[]): void {
  const simple = SIMPLE.get(item);
  if (simple !== undefined) parts.push(Uint8Array.of(simple));
  else if (item instanceof Uint8Array) parts.push(head(2, item.length), item);
  else if (typeof item === "string") {
    const utf8 = toUtf8.encode(item);
    parts.push(head(3, utf8.length), utf8);
  } else if (Array.isArray(item)) {
    parts.push(head(4, item.length));
    for (const child of item) write(child, parts);
  } else if (item instanceof Map) {
    parts.push(head(5, item.size));
    for (const child of [...item].flat(1)) write(child, parts);
  } else parts.push(head(0, Number(item)));
}

/** The initial byte and its argument, in as few bytes as can be (§4.2.1). */
function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of(major << 5 | argument);
  const width = argument < 0x100 ? 0 : argument < 0x1_0000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3;
  const bytes = new Uint8Array(1 + 2 ** width);
  bytes[0] = major << 5 | 24 + width;
  for (let at = bytes.length - 1, rest = argument; at > 0; at--, rest = Math.floor(rest / 256)) {
    bytes[at] = rest % 256;
  }
  return bytes;
}

/** Reads one item after the other; `scan` bounded their number, their sizes and their depth. */
class Items {
  readonly #bytes: Uint8Array;
  readonly #views: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, views: boolean) {
    this.#bytes = bytes;
    this.#views = views;
  }

  next(): unknown {
    const initial = this.#bytes[this.#at++]!;
    const argument = this.#argument(initial & 31);
    switch (initial >> 5) {
      case 2:
        return this.#views ? this.#take(argument) : this.#take(argument).slice();
      case 3:
        return toText.decode(this.#take(argument));
      case 4:
        return Array.from({ length: argument }, () => this.next());
      case 5:
        return new Map(Array.from({ length: argument }, () => [this.next(), this.next()]));
      case 7:
        return argument === 22 ? null : argument === 21;
      default:
        return argument;
    }
  }

  #argument(low: number): number {
    if (low < 24) return low;
    return this.#take(2 ** (low - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  #take(size: number): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#at += size);
  }
}
