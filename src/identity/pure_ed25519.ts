/**
 * ed25519 (RFC 8032) where neither the runtime nor WebCrypto has it: loaded there alone.
 *
 * Not the SHA-512 of @noble/hashes: bundlers do not split a module, so its tables would move to where
 * the links' SHA-256 is, which every page loads.
 *
 * @module
 */
import * as noble from "@noble/ed25519";
import { hash } from "@stablelib/sha512";
import type { Ed25519 } from "./ed25519_port.ts";

/** Pure TypeScript, everywhere, ten times slower. `zip215: false` refuses small-order keys. */
export const nobleEd25519: Ed25519 = {
  name: "noble",
  importSeed(seed) {
    noble.hashes.sha512 = (bytes) => new Uint8Array(hash(bytes));
    const secret = seed.slice();
    return { publicKey: noble.getPublicKey(secret), sign: (bytes) => noble.sign(bytes, secret) };
  },
  importPublicKey(key) {
    noble.hashes.sha512 = (bytes) => new Uint8Array(hash(bytes));
    const publicKey = key.slice();
    return (bytes, signature) => noble.verify(signature, bytes, publicKey, { zip215: false });
  },
};
