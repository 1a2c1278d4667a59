import { numberToBytesLE } from "@noble/curves/utils.js";
import { P } from "./curve25519.ts";
import { montgomeryU } from "./montgomery_u.ts";

/** Numbers of eleven digits of 24 bits, of which the highest has the sign: what doubles add up without rounding. */
type Digits = Float64Array;
const DIGITS = 11;
const RADIX = 2 ** 24;
/** 2^264 modulo p. */
const WRAPPED = 19 * 2 ** 9;
/** Of the factors that several quotients make: their square is what 53 bits are precise to, with some left. */
const MOST = 2 ** 25;

/** A transformation (a, b) → (Aa + Bb, Ca + Db) with the determinant 1 or −1. */
type Quotients = { A: number; B: number; C: number; D: number };

/**
 * {@link montgomeryU} for nodes, which ask it of each newcomer. For public points: the time tells the value.
 *
 * By Lehmer's gcd (Knuth, TAOCP volume 2, §4.5.2, algorithm L): the leading bits as doubles tell some 15 quotients
 * at once, so that all digits are multiplied eleven times instead of 150. In BigInts Euclid's takes 12 µs (Bun)
 * and leaves 27 KiB of garbage, this 5 µs and 2 KiB. A quotient that rounding got wrong makes the way longer, no more.
 */
export function quickMontgomeryU(key: Uint8Array): Uint8Array | undefined {
  // a ≡ u·(1 − y)/(1 + y) and b ≡ v·(1 − y)/(1 + y) all the way.
  const y = digitsOf(key);
  const a = MODULUS.slice(), b = y.map((digit) => -digit), u = new Float64Array(DIGITS), v = y;
  b[0]! += 1;
  v[0]! += 1;
  let next = valueOf(b);
  if (next === 0) return undefined;
  for (; next !== 0; next = valueOf(b)) {
    const quotients = quotientsOf(valueOf(a), next);
    if (quotients === undefined) return montgomeryU(key); // one key of a quarter of a million, and a y near 1 or p;
    transform(a, b, quotients);
    transform(u, v, quotients);
    wrap(u);
    wrap(v);
  }
  return reduced(u, valueOf(a) < 0); // the greatest divisor a is 1 or −1
}

/** `undefined`: the first one is too large. */
function quotientsOf(a: number, b: number): Quotients | undefined {
  let A = 1, B = 0, C = 0, D = 1;
  while (b !== 0) {
    const q = Math.round(a / b);
    const E = A - q * C, F = B - q * D, rest = a - q * b;
    if (Math.abs(E) > MOST || Math.abs(F) > MOST) break;
    a = b, b = rest;
    A = C, B = D, C = E, D = F;
  }
  return B === 0 ? undefined : { A, B, C, D };
}

/** The highest digits take what is carried out of the others. */
function transform(a: Digits, b: Digits, { A, B, C, D }: Quotients): void {
  let carriedA = 0, carriedB = 0;
  for (let i = 0; i < DIGITS; i++) {
    const x = a[i]!, y = b[i]!;
    const sumA = A * x + B * y + carriedA, sumB = C * x + D * y + carriedB;
    carriedA = Math.floor(sumA / RADIX);
    carriedB = Math.floor(sumB / RADIX);
    a[i] = sumA - carriedA * RADIX;
    b[i] = sumB - carriedB * RADIX;
  }
  a[DIGITS - 1]! += carriedA * RADIX;
  b[DIGITS - 1]! += carriedB * RADIX;
}

/** Takes the highest digit back below the radix. */
function wrap(digits: Digits): void {
  const over = Math.floor(digits[DIGITS - 1]! / RADIX);
  digits[DIGITS - 1]! -= over * RADIX;
  const lowest = digits[0]! + over * WRAPPED;
  const carried = Math.floor(lowest / RADIX);
  digits[0] = lowest - carried * RADIX;
  digits[1]! += carried;
}

function digitsOf(key: Uint8Array): Digits {
  const digits = new Float64Array(DIGITS);
  for (let i = 0; i < DIGITS; i++) {
    digits[i] = key[3 * i]! | key[3 * i + 1]! << 8 | (key[3 * i + 2] ?? 0) << 16;
  }
  digits[DIGITS - 1]! &= 0x7fff; // without the sign of x
  return digits;
}

const MODULUS: Digits = /* @__PURE__ */ digitsOf(/* @__PURE__ */ numberToBytesLE(P, 32));

/** Rounded to 53 bits. */
function valueOf(digits: Digits): number {
  let value = 0;
  for (let i = DIGITS - 1; i >= 0; i--) value = value * RADIX + digits[i]!;
  return value;
}

function reduced(digits: Digits, negative: boolean): Uint8Array {
  let value = 0n;
  for (let i = DIGITS - 1; i > 0; i -= 2) {
    value = (value << 48n) + BigInt(digits[i]! * RADIX + digits[i - 1]!);
  }
  value = ((value << 24n) + BigInt(digits[0]!)) % P;
  return numberToBytesLE(((negative ? -value : value) + P) % P, 32);
}
