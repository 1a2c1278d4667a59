/**
 * Where an identity stays between two runs of a program.
 *
 * @module
 */
import { generateIdentity, type Identity } from "./identity.ts";

/** A place that holds at most one identity. */
export interface KeyStore {
  /**
   * The stored identity, or `undefined` if there is none. MUST reject when there is one that
   * cannot be read: to make a new one then would change who the peer is.
   */
  load(): Promise<Identity | undefined>;
  /**
   * Makes and stores an identity. MUST NOT replace a stored one: when another caller or process
   * was first, MUST return that one. MUST have stored it durably before the promise resolves.
   */
  create(): Promise<Identity>;
}

/**
 * The stored identity, made at the first call.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const store = memoryKeyStore();
 * assert.equal((await loadOrCreate(store)).id, (await loadOrCreate(store)).id);
 * ```
 */
export async function loadOrCreate(store: KeyStore): Promise<Identity> {
  return await store.load() ?? await store.create();
}

/** A store that forgets with the process; begins with `identity` if given. */
export function memoryKeyStore(identity?: Identity): KeyStore {
  let stored = identity && Promise.resolve(identity);
  return {
    load: async () => await stored,
    create: () => stored ??= generateIdentity(),
  };
}
