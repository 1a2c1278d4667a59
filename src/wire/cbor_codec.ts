/**
 * The library behind `cbor.ts`: cbor-x, the quickest there is. Bundles for browsers, where its
 * 11 kB weigh more than its speed, get `cbor_codec.browser.ts` through the package's `browser` field.
 *
 * @module
 */
// Not the main entry: under Node and Bun that loads a native addon, with which Bun aborts on some inputs.
import { Encoder } from "cbor-x/encode";
import { MAX_CONTROL } from "./limits.ts";

/** What `cbor.ts` leaves to an implementation: values and bytes are checked before they come here. */
export interface CborCodec {
  /**
   * Writes an item with the shortest heads: `null`, booleans, integers (bigints from 2^32), text,
   * bytes, arrays, and Maps in the order of their entries.
   */
  encode(item: unknown): Uint8Array;
  /** Reads one item that fills `bytes` and is deterministic. Byte strings MUST be copies, maps Maps. */
  decode(bytes: Uint8Array): unknown;
  /** As {@link CborCodec.decode}, but byte strings are views. */
  decodeViews(bytes: Uint8Array): unknown;
}

const options = {
  useRecords: false,
  mapsAsObjects: false,
  tagUint8Array: false,
  variableMapSize: true,
  copyBuffers: true,
  // Wrong for negative integers, which `scan` refuses.
  int64AsNumber: true,
};
const encoder = new Encoder(options);
/** cbor-x gives what it reads a `DataView`, which takes as long as reading a frame: so this keeps one, and frames come to it. */
const desk = new Uint8Array(MAX_CONTROL);
const reader: { decode(source: Uint8Array, end: number): unknown } = encoder;
const viewer = new Encoder({ ...options, copyBuffers: false });

export const codec: CborCodec = {
  encode: (item) => new Uint8Array(encoder.encode(item)),
  decode(bytes) {
    if (bytes.length > desk.length) return encoder.decode(bytes.subarray());
    desk.set(bytes);
    return reader.decode(desk, bytes.length);
  },
  decodeViews: (bytes) => viewer.decode(bytes),
};
