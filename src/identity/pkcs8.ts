/** What stands before the 32 bytes of a secret in PKCS#8 DER (RFC 8410 §7); the last byte of the OID tells which curve. */
const PREFIX = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);
const CURVE_OFFSET = 11;
/** 1.3.101.112 and 1.3.101.110 (RFC 8410 §3). */
const CURVES = { ed25519: 0x70, x25519: 0x6e };

/** The PKCS#8 DER form of a secret, as PEM files and both Web and native cryptography want it. */
export function pkcs8(secret: Uint8Array, curve: keyof typeof CURVES = "ed25519"): Uint8Array<ArrayBuffer> {
  const der = new Uint8Array(PREFIX.length + secret.length);
  der.set(PREFIX);
  der[CURVE_OFFSET] = CURVES[curve];
  der.set(secret, PREFIX.length);
  return der;
}
