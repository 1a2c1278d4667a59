/** Bytes written as hex, as RFCs and test vectors print them; spaces and colons do not count. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/[\s:]/g, "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, index) => parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/** A copy of `bytes` with one bit flipped; `bit` is taken modulo their number. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = bit % (bytes.length * 8);
  copy[at >> 3]! ^= 1 << (at & 7);
  return copy;
}
