/**
 * The synchronous cryptography of a runtime that has `node:crypto` (Node, Deno, Bun), where it
 * works. The only file of `src/link` that looks for it; bundles for browsers, which have none,
 * get `native.browser.ts` through the package's `browser` field, and so do those that Wrangler
 * makes: the core goes on with pure JavaScript.
 *
 * @module
 */
import { hex } from "../identity/hex.ts";
import { type Aead, KEY_SIZE, type RawAead, TAG_SIZE } from "./aead.ts";
import { type Dh, DH_SIZE } from "./x25519.ts";

/** A key as JWK (RFC 8037). */
interface JwkKey {
  key: { kty: "OKP"; crv: "X25519"; x: string; d?: string };
  format: "jwk";
}
/** Opaque to us. */
type NativeKey = object;
interface NativeAeadStep {
  setAAD(ad: Uint8Array, options: { plaintextLength: number }): unknown;
  update(bytes: Uint8Array): Uint8Array;
  final(): Uint8Array;
}

/** What the link uses of `node:crypto`: structural, so that no type of Node reaches a browser's build. */
export interface NativeCrypto {
  createCipheriv(name: string, key: Uint8Array, nonce: Uint8Array, options: { authTagLength: number }):
    & NativeAeadStep
    & { getAuthTag(): Uint8Array };
  createDecipheriv(name: string, key: Uint8Array, nonce: Uint8Array, options: { authTagLength: number }):
    & NativeAeadStep
    & { setAuthTag(tag: Uint8Array): unknown };
  createPrivateKey(key: JwkKey): NativeKey;
  createPublicKey(key: JwkKey): NativeKey;
  diffieHellman(keys: { privateKey: NativeKey; publicKey: NativeKey }): Uint8Array;
}

interface WithBuiltins {
  process?: { getBuiltinModule?(name: string): unknown };
}

/** `node:crypto` where the runtime has it. Whether a given algorithm in it works is for the user of it to probe. */
export const nativeCrypto: NativeCrypto | undefined = (globalThis as WithBuiltins).process
  ?.getBuiltinModule?.(
    "node:crypto",
  ) as NativeCrypto | undefined;

/**
 * The runtime's own AEAD under OpenSSL's name, or `undefined` where it has none that works: one that
 * ignored tags would be worse than none. `numbered` makes a cipher of it, which is asked to seal the
 * bytes 0 … 31 under themselves, counter 2^40 + 1, associated data 0 … 12; `expected` is what they must
 * become, in hex.
 */
export function nativeAead(
  name: string,
  numbered: (raw: RawAead) => Aead,
  expected: string,
  crypto: NativeCrypto | undefined = nativeCrypto,
): RawAead | undefined {
  if (crypto?.createCipheriv === undefined) return undefined;
  const raw = rawOn(crypto, name);
  return seals(numbered(raw), expected) ? raw : undefined;
}

function rawOn(crypto: NativeCrypto, name: string): RawAead {
  const options = { authTagLength: TAG_SIZE };
  return {
    seal(key, nonce, ad, plaintext, into) {
      const step = crypto.createCipheriv(name, key, nonce, options);
      step.setAAD(ad, { plaintextLength: plaintext.length });
      into.set(step.update(plaintext));
      step.final();
      into.set(step.getAuthTag(), plaintext.length);
    },
    open(key, nonce, ad, sealed) {
      const size = sealed.length - TAG_SIZE;
      const step = crypto.createDecipheriv(name, key, nonce, options);
      step.setAAD(ad, { plaintextLength: size });
      step.setAuthTag(sealed.subarray(size));
      const { buffer, byteOffset, length } = step.update(sealed.subarray(0, size));
      step.final();
      return new Uint8Array(buffer, byteOffset, length);
    },
  };
}

function seals(aead: Aead, expected: string): boolean {
  const bytes = Uint8Array.from({ length: KEY_SIZE }, (_, index) => index);
  const [counter, ad] = [2 ** 40 + 1, bytes.subarray(0, 13)];
  const cipher = aead(bytes);
  try {
    const sealed = cipher.seal(counter, ad, bytes);
    const opened = cipher.open(counter, ad, sealed);
    const same = hex(sealed) === expected && opened?.join() === bytes.join();
    sealed[sealed.length - 1]! ^= 1;
    return same && cipher.open(counter, ad, sealed) === undefined;
  } catch {
    return false;
  }
}

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
function agrees(dh: Dh, pure: Dh): boolean {
  const secret = new Uint8Array(DH_SIZE).fill(7);
  try {
    const mine = pure.publicKey(secret);
    const same = dh.agree(secret, mine)?.join() === pure.agree(secret, mine)?.join();
    return same && dh.publicKey(secret).join() === mine.join() &&
      dh.agree(secret, new Uint8Array(DH_SIZE)) === undefined;
  } catch {
    return false;
  }
}

/** The runtime's own X25519, or `undefined` where it has none that does what the `pure` one does. */
export function nativeDh(pure: Dh, crypto: NativeCrypto | undefined = nativeCrypto): Dh | undefined {
  if (crypto?.diffieHellman === undefined) return undefined;
  const dh = dhOn(crypto);
  return agrees(dh, pure) ? dh : undefined;
}
