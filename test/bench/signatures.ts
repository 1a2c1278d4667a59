/**
 * `signatures.ts COUNT` prints the processor microseconds of one import of a key with one
 * verification by it and one signature, with as many under way as a busy node has; `signatures.ts
 * COUNT checks` those of seeing that a key never met is one of prime order. By what a node here uses.
 */
import process from "node:process";
import { ed25519 } from "../../src/identity/ed25519.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { invalidKey } from "../../src/identity/key_check.ts";

const ABREAST = 25;
const BYTES = new Uint8Array(300);

const count = Number(process.argv[2]);
const checks = process.argv[3] === "checks";
const algorithm = await ed25519();
const node = await generateIdentity();
/** Each key serves once: those that were met are remembered. So many are no cost but compile code. */
const WARM = 2_000;
const peers = await Promise.all(Array.from({ length: WARM + count }, () => generateIdentity()));
const signed = await Promise.all(
  peers.map(async (peer) => ({
    key: peer.publicKey,
    signature: await peer.sign(BYTES),
  })),
);

async function once(index: number): Promise<void> {
  const { key, signature } = signed[index]!;
  if (checks) {
    if (invalidKey(key) !== undefined) throw new Error("a good key was refused");
    return;
  }
  const verify = await algorithm.importPublicKey(key);
  if (!await verify(BYTES, signature)) throw new Error("a good signature was refused");
  await node.sign(BYTES);
}

let index = 0;

async function all(until: number): Promise<void> {
  const one = async () => {
    while (index < until) await once(index++);
  };
  await Promise.all(Array.from({ length: ABREAST }, one));
}

await all(WARM);
const before = process.cpuUsage();
await all(WARM + count);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / count);
process.exit(0);
