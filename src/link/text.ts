const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8 bytes of `text`. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/** As much of `text` as fits into `bytes` of UTF-8, with U+FFFD for what has no UTF-8 form: a reason may come from anywhere. */
export function clip(text: string, bytes: number): string {
  const { written } = encoder.encodeInto(text, clipped.subarray(0, bytes));
  return decoder.decode(clipped.subarray(0, written));
}

const clipped = new Uint8Array(1_024);
