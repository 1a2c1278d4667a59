/**
 * The synchronous cryptography of a runtime that has `node:crypto` (Node, Deno, Bun,
 * workerd with `nodejs_compat`). The only file of `src/link` that looks for it; a
 * browser answers `undefined` and the core goes on with pure JavaScript.
 *
 * @module
 */

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
