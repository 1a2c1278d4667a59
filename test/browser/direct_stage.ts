/**
 * A node, Chromium, and peers on Bun and Deno inside a network namespace that
 * `direct.slow.test.ts` made: writes what happened as one line of JSON.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { BrowserContext, Page } from "playwright";
import { serve } from "../../edge/node.ts";
import type * as Sdk from "../../src/mod.ts";
import { Actor } from "../path/actor.ts";
import { Crowd, introduce } from "./people.ts";

declare const waymeet: typeof Sdk;

/** Bytes of a message that takes many packets. */
const LARGE = 1_000_000;
/** Milliseconds until a path has to be direct. */
const PATIENCE = 15_000;

const node = await serve({ host: "127.0.0.1", port: 0, access: { kind: "open" }, names: "any" });
const url = `ws://127.0.0.1:${node.port}`;
// The same machine: loopback makes a page a secure context, so it has WebCrypto.
const origin = `http://127.0.0.1:${node.port}`;

async function sdk(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../src/mod.ts", import.meta.url))],
    bundle: true,
    format: "iife",
    globalName: "waymeet",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

/** A page with the SDK and nothing else. */
async function programPage(context: BrowserContext, script: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(2 * PATIENCE);
  await page.goto(`${origin}/nothing-is-here`); // of that origin, so that Chromium lets it talk to loopback
  await page.addScriptTag({ content: script });
  return page;
}

interface Talk {
  path: string;
  why: string;
  echoed: boolean;
}

/** The page dials, waits for a direct path, and sends something large that comes back. */
async function dials(page: Page, id: string): Promise<Talk> {
  return await page.evaluate(async ({ id, url, size, patience }) => {
    const peer = await waymeet.Peer.open({ nodes: [url], insecure: true, paths: { local: false } });
    const link = await peer.dial(id);
    const echoes = link[Symbol.asyncIterator]();
    await link.send("first");
    await echoes.next();
    for (const until = performance.now() + patience; performance.now() < until;) {
      if (link.path.kind === "direct") break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // Now: a busy end that is silent for 400 ms while it opens the large message has the relay for a while.
    const { kind: path, why } = link.path;
    const sent = Uint8Array.from({ length: size }, (_, i) => i * 7);
    await link.send(sent);
    const { data } = (await echoes.next()).value!;
    const echoed = data.length === sent.length && sent.every((byte, i) => data[i] === byte);
    await peer.close();
    return { path, why, echoed };
  }, { id, url, size: LARGE, patience: PATIENCE });
}

/** The page answers whatever is sent to it; resolves with its id. */
async function echoes(page: Page): Promise<string> {
  return await page.evaluate(async (url) => {
    const peer = await waymeet.Peer.open({ nodes: [url], insecure: true, paths: { local: false } });
    peer.addEventListener("link", async ({ link }) => {
      for await (const message of link) await link.send(message).catch(() => {});
    });
    return peer.id;
  }, url);
}

/** The process dials the page: the page's end answers. */
async function dialled(runtime: string, page: Page): Promise<Talk> {
  const actor = new Actor(runtime, url, "dial", await echoes(page));
  actor.say("first");
  await actor.until(({ heard }) => heard === 1);
  const direct = await actor.until(({ path }) => path === "direct", PATIENCE);
  actor.say("second");
  const after = await actor.until(({ delivered }) => delivered === "second");
  const echoed = await actor.until(({ heard }) => heard === 2) !== undefined;
  actor.close();
  await actor.exited;
  return { path: `${after?.path}`, why: `${direct?.why}`, echoed };
}

async function mixed(context: BrowserContext, script: string, runtime: string): Promise<[Talk, Talk]> {
  const actor = new Actor(runtime, url, "echo");
  const { id } = (await actor.until(({ id }) => id !== undefined))!;
  const talk = await dials(await programPage(context, script), id as string);
  actor.close();
  await actor.exited;
  return [talk, await dialled(runtime, await programPage(context, script))];
}

/** Two people in profiles of their own talk in the chat: the badge that each sees. */
async function chat(crowd: Crowd): Promise<string[]> {
  const [ada, ben] = [await crowd.person("Ada", origin), await crowd.person("Ben", origin)];
  await introduce(ada, ben);
  await ben.open("Ada");
  await ada.say("Do we meet?");
  await ada.delivered("Do we meet?");
  return await Promise.all([ada, ben].map(async ({ page }) => {
    const badge = page.locator(".path.direct");
    await badge.waitFor({ timeout: PATIENCE }).catch(() => {});
    return await page.locator(".path").innerText();
  }));
}

const script = await sdk();
const crowd = await Crowd.open();
const context = await crowd.browser.newContext({ bypassCSP: true });
const badges = await chat(crowd);
const [bun, deno] = await Promise.all(["bun", "deno"].map((runtime) => mixed(context, script, runtime)));
const { complaints } = crowd;
await crowd[Symbol.asyncDispose]();
console.log(JSON.stringify({ badges, bun, deno, complaints }));
await node.stop({ graceMs: 100 });
process.exit(0);
