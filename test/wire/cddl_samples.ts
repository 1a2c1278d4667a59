/** Single values for generators: with a liking for the borders. */
import type { Value } from "../../src/wire/cbor.ts";
import type { Dice } from "../dice.ts";

/** Where heads of CBOR, lengths and limits change. */
const BORDERS = [0, 1, 2, 23, 24, 63, 64, 127, 128, 255, 256, 257, 999, 1_000, 16_383, 16_384, 65_535, 65_536]
  .concat([2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 1_800_000_000_000, 2 ** 53 - 1]);

export function sampleUint(dice: Dice, low: number = 0, high: number = Number.MAX_SAFE_INTEGER): number {
  if (low === high) return low;
  const borders = BORDERS.filter((border) => border >= low && border <= high).concat(low, high);
  if (dice(3) > 0) return borders[dice(borders.length)]!;
  return low + dice(Math.min(high - low + 1, 2 ** 31));
}

/** Few distinct ones, so that frames concern each other. */
export function sampleBytes(dice: Dice, size: number): Uint8Array {
  const style = dice(8);
  if (style < 4) return new Uint8Array(size).fill(style);
  return Uint8Array.from({ length: size }, () => dice(256));
}

const LETTERS = ["a", "Z", "0", " ", "\n", "\0", '"', "<", "%", "é", "\u{1f600}", "\u202e", "/", "."];

export function sampleText(dice: Dice, bytes: number): string {
  const letter = LETTERS[dice(LETTERS.length)]!;
  const text = letter.repeat(Math.floor(bytes / new TextEncoder().encode(letter).length));
  return text + "x".repeat(bytes - new TextEncoder().encode(text).length);
}

/** What matches a pattern made of letters, `?` and a `.+` at its end. */
export function sampleLike(source: string, dice: Dice): string {
  const head = source.replace(/\.\+$/, "").replace(/(.)\?/g, (_, letter) => dice(2) === 0 ? letter : "");
  return `${head}${sampleText(dice, 1 + dice(30)).replaceAll(/[\n\0]/g, "-")}`;
}

export function samplePrimitive(name: string, dice: Dice, size?: number): Value {
  const some = size ?? [0, 1, 8, 16, 32, 64, 100][dice(7)]!;
  if (name === "uint") return sampleUint(dice);
  if (name === "tstr") return sampleText(dice, some);
  if (name === "bstr") return sampleBytes(dice, some);
  if (name === "null") return null;
  return samplePrimitive(["uint", "tstr", "bstr", "null"][dice(4)]!, dice);
}
