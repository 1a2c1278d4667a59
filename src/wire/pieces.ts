import { encode, type Value } from "./cbor.ts";
import { headSize, writeByteStringHead } from "./data_frame.ts";
import { joinBytes } from "./join_bytes.ts";

/** Bytes from which a byte string stays where it is: a shorter one is sooner copied than carried beside the rest. */
const LONG = 1_024;
/** Items of the longest array whose head is a single byte (RFC 8949 §3). */
const SHORT_ARRAY = 23;
const ARRAY_HEAD = 0x80;

/**
 * As `encode(items)`, in pieces: each long byte string is one, and not copied. It MUST stay
 * as it is until the pieces are joined.
 *
 * @throws {RangeError} for more than 23 items, {@link TypeError} as `encode`.
 *
 * @example
 * ```ts
 * import { encodePieces } from "./pieces.ts";
 * encodePieces([4, new Uint8Array(2_000)]); // 82 04 59 07d0, and the 2,000 bytes
 * ```
 */
export function encodePieces(items: Value[]): Uint8Array[] {
  if (items.length > SHORT_ARRAY) throw new RangeError(`pieces of ${SHORT_ARRAY} items at most`);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const [at, item] of items.entries()) {
    if (!(item instanceof Uint8Array) || item.length < LONG) continue;
    pieces.push(joinBytes([run(items, from, at), byteStringHead(item.length)]), item);
    from = at + 1;
  }
  if (from < items.length || items.length === 0) pieces.push(run(items, from, items.length));
  return pieces;
}

/** Items of an array one behind the other; the first run begins with the head of the whole. */
function run(items: Value[], from: number, to: number): Uint8Array {
  const bytes = encode(items.slice(from, to));
  if (from > 0) return bytes.subarray(1);
  bytes[0] = ARRAY_HEAD | items.length;
  return bytes;
}

function byteStringHead(length: number): Uint8Array {
  const head = new Uint8Array(headSize(length));
  writeByteStringHead(head, 0, length);
  return head;
}
