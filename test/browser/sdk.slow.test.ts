// runtimes: node
// deadline: 300 s
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright";
import { serve } from "../../edge/node.ts";
import { Peer } from "../../src/mod.node.ts";
import { type Program, Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";
import { chromiumPath } from "./chromium.ts";
import { lifecycle, offline, openPeer, type SdkPage, SdkPages } from "./sdk_pages.ts";

const skip = chromiumPath === undefined && "no Chromium here: apt-get install chromium";
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, 1_000 * count));

/** What the page's peer has heard, and the state of its session. */
const heard = (page: Page) =>
  page.evaluate(() => {
    const { texts, events, peer } = globalThis as unknown as SdkPage;
    return { texts, events, session: peer.node?.session };
  });
const isUp = (page: Page) =>
  page.waitForFunction(() => (globalThis as unknown as SdkPage).peer.node !== undefined, undefined, {
    polling: 100,
  });

describe("the SDK in Chromium", { skip }, () => {
  const stage = new Stage("node");
  let pages: SdkPages;
  let port: number;
  let node: string;
  let program: Program;
  let friend: Peer;

  before(async () => {
    port = await freePort();
    node = `ws://127.0.0.1:${port}`;
    program = await stage.serve(port);
    pages = await SdkPages.open();
    friend = await Peer.open({ nodes: [node], paths: { local: false, direct: false } });
  });
  after(async () => {
    await friend?.close();
    await pages?.[Symbol.asyncDispose]();
    await stage.close();
  });

  it("keeps its session in a hidden tab whose timers are throttled, and finds back after a long freeze", async () => {
    // A node that asks every 3 s and ends a session after three misses, in place of 15 s: the page knows no difference.
    const quick = await serve({ port: 0, host: "127.0.0.1", pingInterval: 3_000 });
    const url = `ws://127.0.0.1:${quick.port}`;
    await using caller = await Peer.open({ nodes: [url], paths: { local: false, direct: false } });
    await using hidden = await pages.page();
    await using frozen = await pages.page();
    const [one, other] = [await openPeer(hidden, url), await openPeer(frozen, url)];
    await using _front = await pages.page();
    const { session } = await heard(hidden);
    assert.equal(await hidden.evaluate(() => document.visibilityState), "hidden");
    await using toHidden = await caller.dial(one);
    await using toFrozen = await caller.dial(other);
    await toFrozen.send("before");
    await countTurns(hidden);

    await lifecycle(frozen, "frozen");
    const late = seconds(5).then(() => toFrozen.send("while you slept", { deadline: 120_000 }));
    await seconds(12); // nothing but pongs keeps the session
    const texts: string[] = [];
    for (let i = 0; i < 3; i++) {
      await toHidden.send(`message ${i}`, { deadline: 10_000 });
      texts.push(`message ${i}`);
      await seconds(2);
    }
    assert.ok(await turns(hidden) < 60, "the page was throttled: a timer of 100 ms would have 180 turns");
    assert.deepEqual(await heard(hidden), { texts, events: [], session });
    assert.equal(toFrozen.connected, false, "a page that does not answer is known to be away");

    await lifecycle(frozen, "active");
    await late;
    const { texts: got, events } = await heard(frozen);
    assert.deepEqual(got, ["before", "while you slept"]);
    assert.deepEqual(events, ["disconnected", "connected"]);
    await quick.stop({ graceMs: 100 });
  });

  it("dials no node while the browser is offline, and at once when it is online again", async () => {
    await using page = await pages.page();
    await openPeer(page, node);
    const outage = await offline(page);
    program.child.kill("SIGKILL");
    await page.waitForFunction(() => (globalThis as unknown as SdkPage).events.includes("disconnected"));
    program = await stage.serve(port);
    await seconds(5); // the first waits would be 0.4, 0.8, 1.6 s at most
    assert.equal((await heard(page)).session, undefined);
    await outage.end();
    await isUp(page);
    assert.deepEqual((await heard(page)).events, ["disconnected", "connected"]);
  });

  it("says goodbye when its page is left, and is back under the same key and link when the page is", async () => {
    await using page = await pages.page();
    const id = await openPeer(page, node);
    await using link = await friend.dial(id);
    await link.send("before");
    const watch = friend.watch(id, { patience: 100 });
    const states: string[] = [];
    watch.addEventListener("offline", () => states.push("offline"));
    watch.addEventListener("online", () => states.push("online"));
    await until(() => states.length > 0);

    await page.goto("data:text/html,elsewhere");
    await until(() => states.at(-1) === "offline"); // with no goodbye: 45 s
    assert.equal(link.connected, false);
    const sending = link.send("while you were away", { deadline: 60_000 });
    await page.evaluate(() => void setTimeout(() => history.back())); // behind the answer to this
    await sending;
    await page.waitForFunction(() => (globalThis as Partial<SdkPage>).texts?.length === 2); // on whichever page it is
    assert.deepEqual((await heard(page)).texts, ["before", "while you were away"]);
    watch.close();
  });

  it("says goodbye when its tab is closed", async () => {
    const page = await pages.page();
    const watch = friend.watch(await openPeer(page, node), { patience: 100 });
    const states: string[] = [];
    watch.addEventListener("offline", () => states.push("offline"));
    watch.addEventListener("online", () => states.push("online"));
    await until(() => states.length > 0);
    await page.close();
    await until(() => states.at(-1) === "offline");
    watch.close();
  });
});

/** A timer that would turn ten times a second. */
async function countTurns(page: Page): Promise<void> {
  await page.evaluate(() => {
    const here = globalThis as unknown as { turns: number; turn(): void };
    here.turns = 0;
    here.turn = () => (here.turns++, setTimeout(here.turn, 100));
    here.turn();
  });
}
const turns = (page: Page) => page.evaluate(() => (globalThis as unknown as { turns: number }).turns);

async function until(holds: () => boolean, patience = 20): Promise<void> {
  for (let i = 0; i < 10 * patience; i++) {
    if (holds()) return;
    await seconds(0.1);
  }
  assert.ok(holds(), `not within ${patience} s`);
}
