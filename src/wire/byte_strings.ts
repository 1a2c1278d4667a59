/**
 * Arrays of a word and byte strings, as signatures cover them and signed bodies travel: written without a look at
 * the byte strings' content, which cbor-x takes a microsecond for, each.
 *
 * @module
 */
import { encode } from "./cbor.ts";
import { headSize, writeByteStringHead } from "./data_frame.ts";
import { joinBytes } from "./join_bytes.ts";

/**
 * What `encode([word, ...parts])` writes, for a word out of the protocol and at most 22 parts.
 *
 * @example
 * ```ts
 * import { byteStringsBehind } from "./byte_strings.ts";
 * byteStringsBehind(6, new Uint8Array([1, 2])); // 82 06 42 01 02
 * ```
 */
export function byteStringsBehind(word: string | number, ...parts: Uint8Array[]): Uint8Array {
  const first = encode([word]);
  first[0]! += parts.length;
  return joinBytes([first, ...parts.flatMap((part) => [byteStringHead(part.length), part])]);
}

function byteStringHead(length: number): Uint8Array {
  const head = new Uint8Array(headSize(length));
  writeByteStringHead(head, 0, length);
  return head;
}
