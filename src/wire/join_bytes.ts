/** The parts one behind the other, in fresh bytes. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(sizeOfAll(parts));
  writeBytes(whole, parts);
  return whole;
}

/** Writes the parts one behind the other from the beginning of `whole`, which has room for them. */
export function writeBytes(whole: Uint8Array, parts: readonly Uint8Array[]): void {
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
}

export function sizeOfAll(parts: readonly Uint8Array[]): number {
  return parts.reduce((size, part) => size + part.length, 0);
}
