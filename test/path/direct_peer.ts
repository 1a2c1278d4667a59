/**
 * A peer as a program of its own, for `direct.slow.test.ts`: lines of JSON out, words in.
 * `direct_peer.ts NODE echo` answers every message; `direct_peer.ts NODE dial ID` talks.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Link } from "../../src/link/link.ts";

const runtime = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : "node";
const { Peer } = await import(runtime === "bun" ? "../../src/mod.bun.ts" : "../../src/mod.node.ts");
const [node, task, other] = process.argv.slice(2) as [string, string, string];
const say = (value: unknown): void => console.log(JSON.stringify(value));

const began = performance.now();
const peer = await Peer.open({ nodes: [node], insecure: true, paths: { local: false } });
say({ id: peer.id });

function follow(link: Link): void {
  const tell = (): void =>
    say({ path: link.path.kind, why: link.path.why, ms: Math.round(performance.now() - began) });
  tell();
  link.addEventListener("path", tell);
}

async function echo(link: Link): Promise<void> {
  follow(link);
  for await (const message of link) await link.send(message).catch(() => {});
}

async function talk(link: Link): Promise<void> {
  follow(link);
  const texts: string[] = [];
  void (async () => {
    for await (const message of link) {
      texts.push(message.text());
      say({ heard: texts.length });
    }
  })();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "close") break;
    const sent = performance.now();
    await link.send(line);
    say({ delivered: line, ms: Math.round(performance.now() - sent), path: link.path.kind });
  }
  await peer.close();
  say({ closed: true, texts });
}

if (task === "echo") {
  peer.addEventListener("link", ({ link }: { link: Link }) => void echo(link));
  createInterface({ input: process.stdin }).on("line", async (line) => {
    if (line !== "close") return;
    await peer.close();
    say({ closed: true });
  });
} else {
  void talk(await peer.dial(other));
}
