/** Mutations of bytes that know nothing of what they mean, as AFL and libFuzzer make them. */
import type { Dice } from "../dice.ts";

/** One input: what a target is fed, one after the other. An empty part lets time pass. */
export type Input = readonly Uint8Array[];

/** Longest part, bytes: a WebSocket message at most. */
export const LONGEST = 1_048_576;
export const MOST_PARTS = 24;

/** The input with something changed; `others` to splice with. */
export function mutated(input: Input, others: readonly Input[], dice: Dice): Input {
  const parts = [...input];
  const at = dice(Math.max(1, parts.length));
  const way = dice(10);
  if (way === 0 && parts.length > 1) parts.splice(at, 1);
  else if (way === 1) parts.splice(at, 0, parts[dice(parts.length)] ?? new Uint8Array());
  else if (way === 2) parts.push(...others[dice(others.length)]!);
  else if (way === 3) parts.push(new Uint8Array());
  else if (parts.length > 0) parts[at] = mutatedBytes(parts[at]!, others, dice);
  return parts;
}

function mutatedBytes(bytes: Uint8Array, others: readonly Input[], dice: Dice): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let times = 1 + dice(4); times > 0; times--) {
    changed = WAYS[dice(WAYS.length)]!(changed, dice, others);
  }
  return changed;
}

type Way = (bytes: Uint8Array, dice: Dice, others: readonly Input[]) => Uint8Array;

const flip: Way = (bytes, dice) => {
  if (bytes.length > 0) bytes[dice(bytes.length)]! ^= 1 << dice(8);
  return bytes;
};
const anyByte: Way = (bytes, dice) => {
  if (bytes.length > 0) bytes[dice(bytes.length)] = dice(256);
  return bytes;
};
const interesting: Way = (bytes, dice) => {
  const [value, size] = INTEGERS[dice(INTEGERS.length)]!;
  if (bytes.length < size) return bytes;
  const at = dice(bytes.length - size + 1);
  for (let i = 0; i < size; i++) bytes[at + i] = Math.floor(value / 256 ** (size - 1 - i)) % 256;
  return bytes;
};
const INTEGERS: [number, number][] = [[0, 1], [127, 1], [128, 1], [255, 1], [0, 2], [32_767, 2], [65_535, 2]]
  .concat([[0, 4], [2 ** 31 - 1, 4], [2 ** 31, 4], [2 ** 32 - 1, 4], [1, 4]]) as [number, number][];
const truncated: Way = (bytes, dice) => bytes.slice(0, dice(bytes.length + 1));
const removed: Way = (bytes, dice) => {
  const from = dice(bytes.length + 1);
  return joined([bytes.subarray(0, from), bytes.subarray(from + 1 + dice(16))]);
};
const repeated: Way = (bytes, dice) => {
  const from = dice(bytes.length + 1);
  const chunk = bytes.subarray(from, from + 1 + dice(64));
  const times = Math.min(2 ** dice(10), Math.floor(LONGEST / (chunk.length + 1)));
  return joined([
    bytes.subarray(0, from),
    ...Array.from({ length: times }, () => chunk),
    bytes.subarray(from),
  ]);
};
const inserted: Way = (bytes, dice) => {
  const from = dice(bytes.length + 1);
  const chunk = Uint8Array.from({ length: 1 + dice(16) }, () => dice(256));
  return joined([bytes.subarray(0, from), chunk, bytes.subarray(from)]);
};
const spliced: Way = (bytes, dice, others) => {
  const parts = others[dice(others.length)]!;
  const other = parts[dice(Math.max(1, parts.length))] ?? bytes;
  return joined([bytes.subarray(0, dice(bytes.length + 1)), other.subarray(dice(other.length + 1))]);
};
const appended: Way = (bytes, dice, others) => {
  const parts = others[dice(others.length)]!;
  return joined([bytes, parts[dice(Math.max(1, parts.length))] ?? bytes]);
};
const WAYS: Way[] = [
  ...[flip, flip, anyByte, interesting, truncated],
  ...[removed, repeated, inserted, spliced, appended],
];

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}
