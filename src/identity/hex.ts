/** Of each digit its code. */
const DIGITS: Uint8Array = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/**
 * Two lower-case digits for each byte, of which there are not thousands. Made at once: text put together
 * digit by digit takes three times as long on Bun, and keeps every step in memory as long as itself.
 */
export function hex(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (let i = 0; i < bytes.length; i++) codes.push(DIGITS[bytes[i]! >> 4]!, DIGITS[bytes[i]! & 15]!);
  return String.fromCharCode(...codes);
}
