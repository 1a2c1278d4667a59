/**
 * One program of the idle check, told by its first argument: `node`, or `peer URL`. It
 * answers each line on standard input with one JSON line.
 *
 * @module
 */
import { createInterface } from "node:readline";
import process from "node:process";
import type { Link } from "../../src/link/link.ts";

const here = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : "node";
const [role, url] = process.argv.slice(2);
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
if (role === "node") await node();
else await peer(url!);

async function node(): Promise<void> {
  const { serve } = await import(`../../edge/${here}.ts`);
  const running = await serve({ port: 0 });
  say({ url: running.url });
  await commands(async () => {
    const metrics = await (await fetch(`${running.url.replace("ws", "http")}/metrics`)).text();
    const value = (name: string) => Number(metrics.match(new RegExp(`^waymeet_${name} (\\d+)`, "m"))![1]);
    return {
      sent: value("pings_sent_total"),
      matched: value("pongs_matched_total"),
      sessions: value("sessions"),
    };
  });
  await running.stop();
}

async function peer(url: string): Promise<void> {
  const { Peer } = await import(here === "bun" ? "../../src/mod.bun.ts" : "../../src/mod.node.ts");
  const own = await Peer.open({ nodes: [url] });
  let changes = 0;
  let link: Link | undefined;
  own.addEventListener("node", () => changes++);
  own.addEventListener("link", async (event: { link: Link }) => {
    for await (const message of event.link) await event.link.send(message);
  });
  say({ id: own.id });
  await commands(async (line) => {
    const [verb, id] = line.split(" ");
    if (verb === "dial") {
      link = await own.dial(id!) as Link;
      await link.opened;
      link.addEventListener("presence", () => changes++);
      return { ping: await link.ping() };
    }
    if (verb === "ping") return { ping: await link!.ping() };
    if (verb === "send") {
      const began = performance.now();
      await link!.send("good morning");
      return { took: performance.now() - began };
    }
    return { ...own.node, changes };
  });
  await own.close();
}

async function commands(answer: (line: string) => Promise<object>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "end") break;
    say(await answer(line));
  }
}
