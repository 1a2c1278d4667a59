/**
 * `signatures.ts COUNT` prints the processor microseconds of one import of a key with one
 * verification by it and one signature, with as many under way as a busy node has.
 */
import process from "node:process";
import { generateIdentity } from "../../src/identity/identity.ts";

const ABREAST = 25;
const BYTES = new Uint8Array(300);

const count = Number(process.argv[2]);
const node = await generateIdentity();
const peers = await Promise.all(Array.from({ length: Math.max(count, ABREAST) }, () => generateIdentity()));
const signed = await Promise.all(
  peers.map(async (peer) => ({
    key: peer.publicKey as Uint8Array<ArrayBuffer>,
    signature: await peer.sign(BYTES),
  })),
);

async function once(index: number): Promise<void> {
  const { key, signature } = signed[index % signed.length]!;
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  const valid = await crypto.subtle.verify("Ed25519", imported, signature as Uint8Array<ArrayBuffer>, BYTES);
  if (!valid) throw new Error("a good signature was refused");
  await node.sign(BYTES);
}

async function all(times: number): Promise<void> {
  let index = 0;
  const one = async () => {
    while (index < times) await once(index++);
  };
  await Promise.all(Array.from({ length: ABREAST }, one));
}

await all(ABREAST * 4);
const before = process.cpuUsage();
await all(count);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / count);
process.exit(0);
