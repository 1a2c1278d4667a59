import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ed25519, webEd25519 } from "../../src/identity/ed25519.ts";
import { nobleEd25519 } from "../../src/identity/pure_ed25519.ts";
import type { Ed25519 } from "../../src/identity/ed25519_port.ts";
import { identityFromSeed, verify } from "../../src/identity/identity.ts";
import { nativeEd25519 } from "../../src/identity/native.ts";
import { flip, hex, unhex } from "./bytes.ts";
import { VECTORS } from "./rfc8032_vectors.ts";

/** Node 20 prints a warning for WebCrypto's ed25519, which the library avoids there. */
const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);
const implementations = [nativeEd25519(), isNode ? undefined : webEd25519, nobleEd25519]
  .filter((one): one is Ed25519 => one !== undefined);

describe("RFC 8032 §7.1", () => {
  for (const { name, seed, publicKey, message, signature } of VECTORS) {
    it(`${name}: an identity has the public key and makes the signature`, async () => {
      const identity = await identityFromSeed(unhex(seed));
      assert.equal(hex(identity.publicKey), publicKey);
      assert.equal(hex(await identity.sign(unhex(message))), signature);
    });
    it(`${name}: the signature verifies, with a bit changed anywhere it does not`, async () => {
      const key = unhex(publicKey), bytes = unhex(message), mark = unhex(signature);
      assert.equal(await verify(key, bytes, mark), true);
      for (const at of [0, 31, 32, 63]) assert.equal(await verify(key, bytes, flip(mark, at)), false);
      assert.equal(await verify(key, Uint8Array.of(...bytes, 0), mark), false);
      assert.equal(await verify(flip(key, 7), bytes, mark), false);
    });
    for (const implementation of implementations) {
      it(`${name}: ${implementation.name} agrees`, async () => {
        const key = await implementation.importSeed(unhex(seed));
        assert.equal(hex(key.publicKey), publicKey);
        assert.equal(hex(await key.sign(unhex(message))), signature);
        const check = await implementation.importPublicKey(unhex(publicKey));
        assert.equal(await check(unhex(message), unhex(signature)), true);
        assert.equal(await check(unhex(message), flip(unhex(signature), 3)), false);
      });
    }
  }
});

it("node:crypto is chosen where there is one", async () => {
  assert.equal((await ed25519()).name, "node:crypto");
});
