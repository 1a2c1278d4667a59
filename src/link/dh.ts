/**
 * X25519 (RFC 7748): link keys and the Diffie-Hellman function of Noise.
 *
 * Measured, µs for one agreement, native / pure JavaScript: Node 81 / 1006, Bun 50 / 355, Deno 73 / 401
 * (`test/bench/aead.ts`). A handshake does four on each side, so native where it works.
 *
 * @module
 */
import { x25519 } from "./x25519.ts";
import { type NativeCrypto, nativeCrypto } from "./native.ts";

/** Bytes of a public key, of a secret key and of a shared secret. */
export const DH_SIZE = 32;

/** An X25519 key of one process: made at its start, dead at its end, never stored. */
export interface KeyPair {
  /** 32 bytes, certified by the peer's signed record. */
  publicKey: Uint8Array;
  /** 32 bytes. */
  secretKey: Uint8Array;
}

/** Fills with unpredictable bytes: a parameter, so that tests can turn it. */
export type Random = (size: number) => Uint8Array;

/** The platform's secure generator. */
export const secureRandom: Random = (size) => crypto.getRandomValues(new Uint8Array(size));

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

const BASE_POINT: Uint8Array = Uint8Array.from({ length: DH_SIZE }, (_, index) => index === 0 ? 9 : 0);

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
}

/**
 * Keys go in as JWK (RFC 8037): on Node that takes 40 µs, PKCS#8 takes 300. A secret JWK
 * must name its public key, which no runtime looks at for agreeing; one that did would
 * fail the probe below and get the pure implementation.
 */
function dhOn(crypto: NativeCrypto): Dh {
  const agree = (secret: Uint8Array, theirs: Uint8Array): Uint8Array => {
    const okp = { kty: "OKP", crv: "X25519", x: base64url(theirs) } as const;
    const publicKey = crypto.createPublicKey({ key: okp, format: "jwk" });
    const privateKey = crypto.createPrivateKey({ key: { ...okp, d: base64url(secret) }, format: "jwk" });
    return Uint8Array.from(crypto.diffieHellman({ privateKey, publicKey }));
  };
  return {
    publicKey: (secret) => agree(secret, BASE_POINT),
    agree(secret, theirs) {
      try {
        const shared = agree(secret, theirs);
        return shared.length === DH_SIZE && shared.some((byte) => byte !== 0) ? shared : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** Agrees with the pure one, and refuses small order. */
function works(dh: Dh): boolean {
  const secret = new Uint8Array(DH_SIZE).fill(7);
  try {
    const mine = nobleDh.publicKey(secret);
    const same = dh.agree(secret, mine)?.join() === nobleDh.agree(secret, mine)?.join();
    return same && dh.publicKey(secret).join() === mine.join() &&
      dh.agree(secret, new Uint8Array(DH_SIZE)) === undefined;
  } catch {
    return false;
  }
}

/** The runtime's own, or `undefined` where it has none that works (browsers). */
export function nativeDh(crypto: NativeCrypto | undefined = nativeCrypto): Dh | undefined {
  if (crypto?.diffieHellman === undefined) return undefined;
  const dh = dhOn(crypto);
  return works(dh) ? dh : undefined;
}

/** The quicker one of this runtime. */
export const defaultDh: Dh = nativeDh() ?? nobleDh;

let chosen = defaultDh;

/** For simulators, which pay for thousands of peers: `undefined` goes back to X25519. Never in a program that talks to others. */
export function substituteDh(implementation: Dh | undefined): void {
  chosen = implementation ?? defaultDh;
}

/**
 * The secret that `secret` shares with the owner of `theirs`, or `undefined` for a
 * public key of small order or of a wrong length.
 */
export function dh(secret: Uint8Array, theirs: Uint8Array): Uint8Array | undefined {
  return theirs.length === DH_SIZE ? chosen.agree(secret, theirs) : undefined;
}

/** The key pair of a 32-byte secret. Throws RangeError for another length. */
export function keyPairOf(secretKey: Uint8Array): KeyPair {
  if (secretKey.length !== DH_SIZE) {
    throw new RangeError(`an X25519 secret has ${DH_SIZE} bytes, this one ${secretKey.length}`);
  }
  return { publicKey: chosen.publicKey(secretKey), secretKey };
}

/**
 * A fresh link key.
 *
 * @example
 * ```ts
 * const mine = generateLinkKey(), yours = generateLinkKey();
 * dh(mine.secretKey, yours.publicKey); // the same 32 bytes as
 * dh(yours.secretKey, mine.publicKey);
 * ```
 */
export function generateLinkKey(random: Random = secureRandom): KeyPair {
  return keyPairOf(random(DH_SIZE));
}
