/**
 * What the machine's runtime offers beyond Web standards: the one file of the core that
 * looks for it. Nothing is imported, so bundles for browsers stay free of `node:` names.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "./base64url.ts";
import type { Ed25519 } from "./ed25519_port.ts";
import { pkcs8 } from "./pkcs8.ts";

interface Process {
  getBuiltinModule?(name: string): unknown;
  platform?: string;
}
const runtime: Process | undefined = (globalThis as { process?: Process }).process;

/** A module built into Node ≥ 20.16, Bun or Deno; `undefined` in a browser. */
export function builtinModule(name: "node:crypto" | "node:fs/promises" | "node:path"): unknown {
  try {
    return runtime?.getBuiltinModule?.(name);
  } catch {
    return undefined; // some edge runtimes throw for a module they lack
  }
}

/** Windows has no permission bits: there a file's mode says nothing. */
export const hasFileModes: boolean = runtime?.platform !== "win32";

type Crypto = typeof import("node:crypto");

/**
 * ed25519 by node:crypto, or `undefined` where there is none. The synchronous calls need the
 * least CPU of all on Node, Bun and Deno (verify 110, 51, 38 µs); WebCrypto needs up to twice
 * as much, and on Node 20 it prints a warning.
 */
export function nativeEd25519(): Ed25519 | undefined {
  const crypto = builtinModule("node:crypto") as Crypto | undefined;
  if (crypto?.createPrivateKey === undefined) return undefined;
  return {
    name: "node:crypto",
    importSeed(seed) {
      const privateKey = crypto.createPrivateKey({
        key: pkcs8(seed) as Buffer,
        format: "der",
        type: "pkcs8",
      });
      const { x } = crypto.createPublicKey(privateKey).export({ format: "jwk" });
      return {
        publicKey: fromBase64url(x!),
        sign: (bytes) => new Uint8Array(crypto.sign(null, bytes, privateKey)),
      };
    },
    importPublicKey(key) {
      // A JWK (RFC 8037): on Node ten times faster to import than DER.
      const jwk = { kty: "OKP", crv: "Ed25519", x: toBase64url(key) };
      const publicKey = crypto.createPublicKey({ key: jwk, format: "jwk" });
      return (bytes, signature) => crypto.verify(null, bytes, publicKey, signature);
    },
  };
}

/**
 * Multiplies points of curve25519 by `scalar` (RFC 7748 §5), or `undefined` where node:crypto has no
 * X25519. It throws for points of small order.
 */
export function nativeLadder(scalar: Uint8Array): ((u: Uint8Array) => Uint8Array) | undefined {
  const crypto = builtinModule("node:crypto") as Crypto | undefined;
  if (crypto?.diffieHellman === undefined) return undefined;
  const key = pkcs8(scalar, "x25519") as Buffer;
  const privateKey = crypto.createPrivateKey({ key, format: "der", type: "pkcs8" });
  return (u) => {
    const jwk = { kty: "OKP", crv: "X25519", x: toBase64url(u) };
    return crypto.diffieHellman({
      privateKey,
      publicKey: crypto.createPublicKey({ key: jwk, format: "jwk" }),
    });
  };
}
