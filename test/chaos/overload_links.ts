/** `overload_links.ts URL COUNT`: so many links that say something 20 times a second, and how long each word takes. */
import process from "node:process";
import { createInterface } from "node:readline";
import { Peer } from "../../src/mod.node.ts";

export interface Spoken {
  sent: number;
  arrived: number;
  /** Milliseconds from sending to arrival. */
  p50: number;
  p99: number;
  max: number;
}

const [url, count] = [process.argv[2]!, Number(process.argv[3])];
const PACE = 50;
const SIZE = 100;
const paths = { local: false, direct: false } as const;
let delays: number[] = [];
let sent = 0;

async function pair(): Promise<void> {
  const [a, b] = await Promise.all([Peer.open({ nodes: [url], paths }), Peer.open({ nodes: [url], paths })]);
  b.addEventListener("link", async ({ link }) => {
    for await (const { data } of link) {
      delays.push(performance.now() - new DataView(data.buffer, data.byteOffset).getFloat64(0));
    }
  });
  const link = await a.dial(b.id, { deadline: 10_000 });
  await link.opened;
  setInterval(() => {
    const message = new Uint8Array(SIZE);
    new DataView(message.buffer).setFloat64(0, performance.now());
    sent++;
    link.send(message).catch((error) => {
      process.stdout.write(`${JSON.stringify({ event: "failed", why: String(error) })}\n`);
    });
  }, PACE);
}

function spoken(): Spoken {
  const sorted = delays.sort((a, b) => a - b);
  const at = (q: number) => Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0);
  const report = { sent, arrived: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  [delays, sent] = [[], 0];
  return report;
}

await Promise.all(Array.from({ length: count }, pair));
process.stdout.write('{"event":"ready"}\n');
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify({ event: "spoken", ...spoken() })}\n`);
}
process.exit(0);
