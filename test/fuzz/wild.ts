/** Mutations of decoded CBOR, and an encoder that says also what nobody may say. */
import { decode, encode, type Value } from "../../src/wire/cbor.ts";
import type { Dice } from "../dice.ts";
import { sampleBytes, samplePrimitive, sampleText, sampleUint } from "../wire/cddl_samples.ts";

/** Bytes that stand for an item, whatever they are. */
class Raw {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
type Wild = Value | Raw | Wild[];

/** The frame with a few things in it changed, encoded. */
export function wildFrame(value: Value, dice: Dice): Uint8Array {
  let wild: Wild = value;
  for (let changes = 1 + dice(3); changes > 0; changes--) wild = changed(wild, dice);
  return encodeWild(wild);
}

/** Goes down to some item and changes that. */
function changed(value: Wild, dice: Dice): Wild {
  if (!Array.isArray(value) || value.length === 0 || dice(4) === 0) return other(value, dice);
  const copy: Wild[] = [...value];
  const at = dice(copy.length);
  const way = dice(12);
  if (way === 0) copy.splice(at, 1);
  else if (way === 1) copy.splice(at, 0, copy[at]!);
  else if (way === 2) copy.push(any(dice));
  else if (way === 3) copy.length = at;
  else copy[at] = inside(copy[at]!, dice);
  return copy;
}

/** Bodies of signed frames are CBOR within byte strings. */
function inside(value: Wild, dice: Dice): Wild {
  const body = value instanceof Uint8Array && dice(2) === 0 ? decode(value, 8) : undefined;
  return body === undefined ? changed(value, dice) : encodeWild(changed(body, dice));
}

function any(dice: Dice): Wild {
  return dice(3) === 0 ? exotic(dice) : samplePrimitive("any", dice);
}

function other(value: Wild, dice: Dice): Wild {
  if (dice(3) === 0) return exotic(dice);
  if (typeof value === "number") return sampleUint(dice);
  if (value instanceof Uint8Array) return sampleBytes(dice, nearby(value.length, dice));
  if (typeof value === "string") return sampleText(dice, nearby(value.length, dice));
  if (Array.isArray(value) && value.length > 0) {
    const times = [0, 2, 17, 65, 257, 2_100][dice(6)]!;
    return Array.from({ length: times }, (_, i) => value[i % value.length]!);
  }
  return any(dice);
}

function nearby(length: number, dice: Dice): number {
  return Math.max(0, [length - 1, length + 1, length, 0, 257, 513, 4_097, 17_000][dice(8)]!);
}

/** What strict readers refuse: RFC 8949's other items, and what makes decoders slow. */
function exotic(dice: Dice): Raw {
  const bytes = EXOTIC[dice(EXOTIC.length)]!;
  return new Raw(typeof bytes === "string" ? unhexed(bytes) : bytes(dice));
}

const EXOTIC: (string | ((dice: Dice) => Uint8Array))[] = [
  "f93c00", // floats
  "fb7ff8000000000000",
  "fa3f800000",
  "20", // negative
  "3bffffffffffffffff",
  "f7", // undefined, simple values, a break
  "f8ff",
  "ff",
  "9fff", // indefinite lengths
  "5f4100ff",
  "7f6161ff",
  "bfff",
  "9bffffffffffffffff", // counts that nobody could hold
  "bbffffffffffffffff",
  "5bffffffffffffffff",
  "7b0fffffffffffffff",
  "9affffffff",
  "5affffffff",
  "1817", // not the shortest
  "190001",
  "1b0000000000000001",
  "1bffffffffffffffff",
  "a161610000",
  "a2616100616100", // a key twice
  "a0",
  "d81c82d81d00d81d00", // a graph that contains itself
  "d8338280d8330080", // packed
  "c249ffffffffffffffffff", // a big number
  "d81b8266526567457870612b", // an object of the reader's language
  "60",
  "64f4908080",
  "62c0af",
  "64efbbbf61",
  (dice) => new Uint8Array(2 ** dice(13)).fill(0x81),
  (dice) => new Uint8Array(2 ** dice(13)).fill(0xd8),
  (dice) => bignum(2 ** dice(15)),
  (dice) => encode(Array.from({ length: 2 ** dice(12) }, () => 0)),
];

function bignum(size: number): Uint8Array {
  return new Uint8Array([0xc2, 0x59, size >> 8, size & 255, ...new Uint8Array(size).fill(255)]);
}

function unhexed(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));
}

function encodeWild(value: Wild): Uint8Array {
  if (value instanceof Raw) return value.bytes;
  if (!Array.isArray(value)) return encode(value);
  const items = value.map(encodeWild);
  const size = items.reduce((sum, { length }) => sum + length, 0);
  const head = encode(Array.from({ length: value.length }, () => 0)).subarray(0, headSize(value.length));
  const bytes = new Uint8Array(head.length + size);
  bytes.set(head);
  items.reduce((at, item) => (bytes.set(item, at), at + item.length), head.length);
  return bytes;
}

function headSize(count: number): number {
  return count < 24 ? 1 : count < 256 ? 2 : 3;
}
