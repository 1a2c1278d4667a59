/**
 * Identities in a browser, in IndexedDB: several per origin, each under a name. Where
 * WebCrypto has ed25519 the secret is a non-extractable `CryptoKey`: a page's script may
 * sign with it while it runs and can never take it away. Elsewhere the seed is stored.
 *
 * @module
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { generateIdentity, type Identity, identityFromSeed } from "./identity.ts";
import type { KeyStore } from "./key_store.ts";
import { type PeerId, peerIdText } from "./peer_id.ts";

/** An identity of this origin, without its secret. */
export interface BrowserIdentity {
  name: string;
  id: PeerId;
  /** Milliseconds since 1970. */
  created: number;
  /** Whether no script can read the secret. */
  sealed: boolean;
}

interface Stored {
  publicKey: Uint8Array;
  /** A key that signs, or the seed where WebCrypto has no ed25519. */
  secret: CryptoKey | Uint8Array;
  created: number;
}

interface Keys extends DBSchema {
  identities: { key: string; value: Stored };
}

/**
 * The store of the identity called `name` in this origin's IndexedDB. Of several tabs that
 * create it at once one makes it and the others get that one.
 *
 * @example
 * ```ts ignore
 * const peer = await Peer.open({ nodes, key: browserKeyStore("work") });
 * ```
 * @throws {TypeError} where there is no IndexedDB.
 */
export function browserKeyStore(name: string = "default"): KeyStore {
  demandDatabase();
  return {
    load: async () => await withKeys(async (keys) => await identityOf(await keys.get("identities", name))),
    create: () => createOnce(name),
  };
}

/** The identities of this origin, the oldest first. */
export async function browserIdentities(): Promise<BrowserIdentity[]> {
  demandDatabase();
  return await withKeys(async (keys) => {
    const { store } = keys.transaction("identities");
    const [names, stored] = await Promise.all([store.getAllKeys(), store.getAll()]);
    const all = stored.map((one, i) => ({
      name: names[i]!,
      id: peerIdText(one.publicKey),
      created: one.created,
      sealed: !(one.secret instanceof Uint8Array),
    }));
    return all.sort((a, b) => a.created - b.created);
  });
}

/** Removes an identity for good: nobody can be that peer any more. */
export async function forgetBrowserIdentity(name: string): Promise<void> {
  demandDatabase();
  await withKeys((keys) => keys.delete("identities", name));
}

function demandDatabase(): void {
  if (typeof indexedDB !== "undefined") return;
  throw new TypeError("this runtime has no IndexedDB: use fileKeyStore(path) or memoryKeyStore()");
}

/** Opened for each use: an open connection would keep other tabs from upgrading the database. */
async function withKeys<T>(use: (keys: IDBPDatabase<Keys>) => Promise<T>): Promise<T> {
  const keys = await openDB<Keys>("waymeet-keys", 1, {
    upgrade: (database) => void database.createObjectStore("identities"),
  });
  try {
    return await use(keys);
  } finally {
    keys.close();
  }
}

/** The secret is made before the transaction, which would not wait for it (IndexedDB 3.0 §2.7.1). */
async function createOnce(name: string): Promise<Identity> {
  const fresh = await newSecret();
  return await withKeys(async (keys) => {
    const transaction = keys.transaction("identities", "readwrite", { durability: "strict" });
    const first = await transaction.store.get(name);
    if (!first) await transaction.store.put(fresh, name);
    await transaction.done;
    return (await identityOf(first ?? fresh))!;
  });
}

async function newSecret(): Promise<Stored> {
  const created = Date.now();
  try {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { publicKey, secret: pair.privateKey, created };
  } catch { // no ed25519, or no secure context and so no WebCrypto at all
    const { publicKey, seed } = await generateIdentity();
    return { publicKey, secret: seed, created };
  }
}

async function identityOf(stored: Stored | undefined): Promise<Identity | undefined> {
  if (!stored) return undefined;
  const { publicKey, secret } = stored;
  if (secret instanceof Uint8Array) return await identityFromSeed(secret);
  return {
    id: peerIdText(publicKey),
    publicKey,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", secret, bytes as BufferSource)),
  };
}
