// runtimes: node
// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { chromiumPath } from "./chromium.ts";
import { type SdkPage, SdkPages } from "./sdk_pages.ts";

const skip = chromiumPath === undefined && "no Chromium here: apt-get install chromium";

describe("keys in IndexedDB, in Chromium", { skip }, () => {
  let pages: SdkPages;
  before(async () => void (pages = await SdkPages.open()));
  after(() => pages?.[Symbol.asyncDispose]());

  it("sign, and cannot be taken away by a script", async () => {
    await using page = await pages.page();
    const found = await page.evaluate(async () => {
      const { sdk } = globalThis as unknown as SdkPage;
      const identity = await sdk.browserKeyStore("sealed").create();
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open("waymeet-keys");
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
      });
      const stored = await new Promise<{ publicKey: Uint8Array<ArrayBuffer>; secret: CryptoKey }>(
        (resolve) => {
          const reading = database.transaction("identities").objectStore("identities").get("sealed");
          reading.onsuccess = () => resolve(reading.result);
        },
      );
      database.close();
      const exports = ["pkcs8", "jwk", "raw"] as const;
      const taken = await Promise.allSettled(
        exports.map((format) => crypto.subtle.exportKey(format as "pkcs8", stored.secret)),
      );
      const message = new TextEncoder().encode("hello");
      const key = await crypto.subtle.importKey("raw", stored.publicKey, "Ed25519", false, ["verify"]);
      const signature = await identity.sign(message) as Uint8Array<ArrayBuffer>;
      return {
        extractable: stored.secret.extractable,
        taken: taken.map(({ status }) => status),
        genuine: await crypto.subtle.verify("Ed25519", key, signature, message),
        listed: (await sdk.browserIdentities()).find(({ name }) => name === "sealed")?.sealed,
        fields: Object.keys(stored).sort(),
      };
    });
    assert.deepEqual(found, {
      extractable: false,
      taken: ["rejected", "rejected", "rejected"],
      genuine: true,
      listed: true,
      fields: ["created", "publicKey", "secret"],
    });
  });

  it("are one identity for two tabs that make it in the same moment, and after a reload", async () => {
    await using one = await pages.page();
    await using other = await pages.page();
    const create = (name: string) => (globalThis as unknown as SdkPage).sdk.browserKeyStore(name).create();
    const load = (name: string) => (globalThis as unknown as SdkPage).sdk.browserKeyStore(name).load();
    for (let i = 0; i < 10; i++) {
      const made = await Promise.all([one, other, one].map((page) => page.evaluate(create, `both ${i}`)));
      assert.equal(new Set(made.map(({ id }) => id)).size, 1);
    }
    const { id } = await one.evaluate(create, "both 0");
    await one.reload();
    await one.waitForFunction(() => "sdk" in globalThis);
    assert.equal((await one.evaluate(load, "both 0"))?.id, id);
  });

  it("are gone once forgotten, the others not", async () => {
    await using page = await pages.page();
    const left = await page.evaluate(async () => {
      const { sdk } = globalThis as unknown as SdkPage;
      const first = await sdk.browserKeyStore("forgotten").create();
      const kept = await sdk.browserKeyStore("kept").create();
      await sdk.forgetBrowserIdentity("forgotten");
      await sdk.forgetBrowserIdentity("never there");
      return {
        load: await sdk.browserKeyStore("forgotten").load(),
        again: (await sdk.browserKeyStore("forgotten").create()).id === first.id,
        kept: (await sdk.browserKeyStore("kept").load())?.id === kept.id,
      };
    });
    assert.deepEqual(left, { load: undefined, again: false, kept: true });
  });

  it("that cannot be read are an error, never a new identity", async () => {
    await using page = await pages.page();
    const errors = await page.evaluate(async () => {
      const { sdk } = globalThis as unknown as SdkPage;
      const { id } = await sdk.browserKeyStore("precious").create();
      // A later version of a program was here, and changed the database.
      await new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("waymeet-keys", 2);
        opening.onsuccess = () => (opening.result.close(), resolve());
        opening.onerror = () => reject(opening.error);
      });
      const nodes = ["ws://127.0.0.1:1"];
      const store = sdk.browserKeyStore("precious");
      const opening = sdk.Peer.open({ nodes, key: store, offline: true });
      const tries = await Promise.allSettled([store.load(), store.create(), opening]);
      return [id.length, ...tries.map((one) => one.status === "rejected" ? one.reason.name : "another")];
    });
    assert.deepEqual(errors, [52, "VersionError", "VersionError", "VersionError"]);
  });
});
