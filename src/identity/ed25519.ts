/**
 * ed25519 (RFC 8032) by the fastest implementation that this runtime has: node:crypto,
 * else WebCrypto, else pure TypeScript.
 *
 * None of the first two refuses keys of small order: callers check a key once with
 * `invalidKey` where it enters.
 *
 * @module
 */
import { fromBase64url } from "./base64url.ts";
import type { Ed25519 } from "./ed25519_port.ts";
import { nativeEd25519 } from "./native.ts";
import { pkcs8 } from "./pkcs8.ts";

/** WebCrypto (Web Cryptography Level 2), which tells the public key of a seed only by exporting the pair. */
export const webEd25519: Ed25519 = {
  name: "WebCrypto",
  async importSeed(seed) {
    const key = await crypto.subtle.importKey("pkcs8", pkcs8(seed), "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", key);
    return {
      publicKey: fromBase64url(x!),
      sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes as BufferSource)),
    };
  },
  async importPublicKey(key) {
    const imported = await crypto.subtle.importKey("raw", key as BufferSource, "Ed25519", false, ["verify"]);
    return (bytes, signature) =>
      crypto.subtle.verify("Ed25519", imported, signature as BufferSource, bytes as BufferSource);
  },
};

/** RFC 8032 §7.1 test 1 (an empty message): an implementation that fails it is not used. */
const PROBE = {
  seed: fromBase64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
  publicKey: fromBase64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
  signature: fromBase64url(
    "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc-bRr0lv18FlbviRlUUFDjnoQCw",
  ),
};

let chosen: Promise<Ed25519> | undefined;

/** The implementation of this runtime, chosen once. */
export function ed25519(): Promise<Ed25519> {
  return chosen ??= choose();
}

/**
 * For simulators: everything from now on uses this implementation, which also says when it is done.
 * `undefined` goes back to the runtime's own. Never in a program that talks to others.
 */
export function substituteEd25519(implementation: Ed25519 | undefined): void {
  chosen = implementation && Promise.resolve(implementation);
}

async function choose(): Promise<Ed25519> {
  for (const candidate of [nativeEd25519(), webEd25519]) {
    if (candidate !== undefined && await works(candidate)) return candidate;
  }
  return (await import("./pure_ed25519.ts")).nobleEd25519;
}

async function works(candidate: Ed25519): Promise<boolean> {
  try {
    const { publicKey, sign } = await candidate.importSeed(PROBE.seed);
    const signature = await sign(new Uint8Array(0));
    const verify = await candidate.importPublicKey(PROBE.publicKey);
    return equal(publicKey, PROBE.publicKey) && equal(signature, PROBE.signature) &&
      await verify(new Uint8Array(0), signature) && !await verify(new Uint8Array(1), signature);
  } catch {
    return false; // as browsers without ed25519 do
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
