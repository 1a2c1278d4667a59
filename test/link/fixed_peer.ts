import { type Identity, identityFromSeed } from "../../src/identity/identity.ts";
import { type KeyPair, keyPairOf } from "../../src/link/dh.ts";
import type { SignedBytes } from "../../src/wire/protocol.ts";
import { signRecord } from "../../src/wire/record.ts";

/** When records of fixed peers were issued. */
export const TIME = 1_767_225_600_000;

export const filled = (size: number, byte: number): Uint8Array => new Uint8Array(size).fill(byte);

/** A process of a peer of which every byte is fixed. */
export interface FixedPeer {
  identity: Identity;
  linkKey: KeyPair;
  instance: Uint8Array;
  record: SignedBytes;
}

export async function fixedPeer(seed: number): Promise<FixedPeer> {
  const identity = await identityFromSeed(filled(32, seed));
  const linkKey = keyPairOf(filled(32, seed + 0x10));
  const instance = filled(16, seed + 0x20);
  const record = await signRecord(identity, {
    peer: identity.publicKey,
    instance,
    started: TIME - 1_000,
    linkKey: linkKey.publicKey,
    nodes: [],
    sequence: 1,
    issued: TIME,
    expires: TIME + 300_000,
    network: "main",
  });
  return { identity, linkKey, instance, record };
}
