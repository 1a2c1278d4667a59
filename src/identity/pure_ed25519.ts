/** ed25519 (RFC 8032) where neither the runtime nor WebCrypto has it. */
import * as noble from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import type { Ed25519 } from "./ed25519_port.ts";

/** Pure TypeScript, everywhere, ten times slower. `zip215: false` refuses small-order keys. */
export const nobleEd25519: Ed25519 = {
  name: "noble",
  importSeed(seed) {
    noble.hashes.sha512 = sha512;
    const secret = seed.slice();
    return { publicKey: noble.getPublicKey(secret), sign: (bytes) => noble.sign(bytes, secret) };
  },
  importPublicKey(key) {
    noble.hashes.sha512 = sha512;
    const publicKey = key.slice();
    return (bytes, signature) => noble.verify(signature, bytes, publicKey, { zip215: false });
  },
};
