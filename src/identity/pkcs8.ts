/** What stands before the 32 bytes of an ed25519 seed in PKCS#8 DER (RFC 8410 §7). */
const PREFIX = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

/** The PKCS#8 DER form of a seed, as PEM files and both Web and native cryptography want it. */
export function pkcs8(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  const der = new Uint8Array(PREFIX.length + seed.length);
  der.set(PREFIX);
  der.set(seed, PREFIX.length);
  return der;
}
