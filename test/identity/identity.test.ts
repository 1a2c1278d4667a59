import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity, identityFromSeed, verify } from "../../src/identity/identity.ts";
import { invalidKey } from "../../src/identity/key_check.ts";
import { loadOrCreate, memoryKeyStore } from "../../src/identity/key_store.ts";
import { parsePeerId } from "../../src/identity/peer_id.ts";
import { hex } from "./bytes.ts";

const hello = new TextEncoder().encode("hello");

describe("an identity", () => {
  it("has a valid key, whose id reads back", async () => {
    const identity = await generateIdentity();
    assert.equal(invalidKey(identity.publicKey), undefined);
    assert.equal(parsePeerId(identity.id), identity.id);
  });
  it("is another one each time", async () => {
    assert.notEqual((await generateIdentity()).id, (await generateIdentity()).id);
  });
  it("is the same from its seed", async () => {
    const identity = await generateIdentity();
    assert.equal((await identityFromSeed(identity.seed)).id, identity.id);
  });
  it("signs so that only its own key verifies", async () => {
    const [alice, bob] = [await generateIdentity(), await generateIdentity()];
    const signature = await alice.sign(hello);
    assert.equal(await verify(alice.publicKey, hello, signature), true);
    assert.equal(await verify(bob.publicKey, hello, signature), false);
  });
  it("keeps its secret when the caller wipes or changes the seed", async () => {
    const seed = new Uint8Array(32).fill(5);
    const identity = await identityFromSeed(seed);
    seed.fill(0);
    identity.seed.fill(0);
    assert.equal(hex(identity.seed), "05".repeat(32));
    assert.equal(await verify(identity.publicKey, hello, await identity.sign(hello)), true);
  });
  it("does not show its seed in JSON", async () => {
    assert.deepEqual(Object.keys(await generateIdentity()), ["id", "publicKey"]);
  });
  it("refuses a seed of a wrong length, saying which it has", async () => {
    await assert.rejects(identityFromSeed(new Uint8Array(31)), {
      name: "TypeError",
      message: /32 bytes.* 31/,
    });
  });
});

describe("verify", () => {
  it("is false, not an exception, for wrong lengths and for bytes that are no key", async () => {
    const { publicKey, sign } = await generateIdentity().then((own) => ({
      ...own,
      sign: own.sign.bind(own),
    }));
    const signature = await sign(hello);
    assert.equal(await verify(publicKey.subarray(1), hello, signature), false);
    assert.equal(await verify(publicKey, hello, signature.subarray(1)), false);
    assert.equal(await verify(publicKey, hello, new Uint8Array(0)), false);
    assert.equal(await verify(new Uint8Array(32).fill(255), hello, signature), false);
  });
  it("reads keys and signatures inside larger buffers", async () => {
    const identity = await generateIdentity();
    const frame = new Uint8Array(200);
    frame.set(identity.publicKey, 3);
    frame.set(await identity.sign(hello), 70);
    assert.equal(await verify(frame.subarray(3, 35), hello, frame.subarray(70, 134)), true);
  });
  it("does not confuse keys when more are used than are kept", async () => {
    const alice = await generateIdentity();
    const signature = await alice.sign(hello);
    assert.equal(await verify(alice.publicKey, hello, signature), true);
    for (let i = 0; i < 1100; i++) {
      const other = alice.publicKey.slice();
      other[0] = i, other[1] = i >> 8;
      if (hex(other) !== hex(alice.publicKey)) assert.equal(await verify(other, hello, signature), false);
    }
    assert.equal(await verify(alice.publicKey, hello, signature), true);
  });
});

describe("a memory key store", () => {
  it("makes one identity for callers that come at once", async () => {
    const store = memoryKeyStore();
    assert.equal(await store.load(), undefined);
    const all = await Promise.all([loadOrCreate(store), loadOrCreate(store), store.create()]);
    assert.equal(new Set(all.map((one) => one.id)).size, 1);
  });
  it("gives back the identity it began with", async () => {
    const identity = await generateIdentity();
    assert.equal(await loadOrCreate(memoryKeyStore(identity)), identity);
  });
});
