import { ladder } from "../identity/curve25519.ts";

/** RFC 7748 §5, `decodeScalar25519`. */
function clamp(bytes: Uint8Array): Uint8Array {
  bytes[0]! &= 248;
  bytes[31]! &= 127;
  bytes[31]! |= 64;
  return bytes;
}

/**
 * X25519 (RFC 7748). The `x25519` of @noble/curves differs in its base point multiplication alone,
 * twice as fast by way of Edwards curves, which are 8 kB of a bundle.
 */
const x25519: ReturnType<typeof ladder> = /* @__PURE__ */ ladder(clamp);

/** Bytes of a public key, of a secret key and of a shared secret. */
export const DH_SIZE = 32;

/** The port. All keys have 32 bytes. */
export interface Dh {
  publicKey(secret: Uint8Array): Uint8Array;
  /**
   * The shared secret, or `undefined` when the other key is of small order: the result
   * would be zero whatever our secret is, so it would prove nothing (RFC 7748 §6.1).
   * MUST NOT throw.
   */
  agree(secret: Uint8Array, theirs: Uint8Array): Uint8Array | undefined;
}

/** Pure JavaScript: works everywhere. */
export const nobleDh: Dh = {
  publicKey: (secret) => x25519.getPublicKey(secret),
  agree(secret, theirs) {
    try {
      return x25519.getSharedSecret(secret, theirs);
    } catch {
      return undefined;
    }
  },
};
