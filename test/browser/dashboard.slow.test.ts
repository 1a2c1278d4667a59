// runtimes: node
// deadline: 300 s
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type Program, Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";
import { chromiumPath } from "./chromium.ts";
import { barriersOf, Crowd } from "./people.ts";

const stage = new Stage("node");
after(() => stage.close());
const skip = chromiumPath === undefined && "no Chromium here: apt-get install chromium";
const MESH = ["--mesh-token", "a token of this test's mesh"];

/** Nodes of one mesh, and the address of each one's dashboard. */
async function mesh(count: number): Promise<{ node: Program; page: string; dashboard: string }[]> {
  const nodes: { node: Program; page: string; dashboard: string }[] = [];
  let first: number | undefined;
  for (let i = 0; i < count; i++) {
    const port = await freePort();
    const join = first === undefined ? [] : ["--join", `ws://127.0.0.1:${first}`];
    const words = count === 1 ? [] : [...MESH, "--mesh-url", `ws://127.0.0.1:${port}`, ...join];
    const node = await stage.serve(port, ...words);
    const { dashboard } = await node.event("ready");
    nodes.push({ node, page: `http://127.0.0.1:${port}`, dashboard: String(dashboard) });
    first ??= port;
  }
  return nodes;
}

describe("the dashboard in Chromium", { skip }, () => {
  it("shows a mesh of five as it is: who is there, who is suspected, who died", async () => {
    const nodes = await mesh(5);
    await using crowd = await Crowd.open();
    const page = await (await crowd.browser.newContext({ bypassCSP: true })).newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(nodes[0]!.dashboard);
    assert.doesNotMatch(page.url(), /token/, "the token does not stay in the address");
    await page.waitForFunction(() => document.querySelectorAll("#map .node.alive").length === 4);
    await page.waitForFunction(() => document.querySelectorAll("#map line").length === 10);
    assert.deepEqual(await barriersOf(page), []);

    await nodes[4]!.node.stop("SIGKILL");
    await page.waitForFunction(() => document.querySelector("#map .node.suspect, #map .node.dead") !== null);
    await page.waitForFunction(() => document.querySelectorAll("#map .node.alive").length === 3);
  });

  it("ends a session, bans a peer and drains the node, and tells how each ended", async () => {
    const [one] = await mesh(1);
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", one!.page);
    const page = await (await crowd.browser.newContext({ bypassCSP: true })).newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(one!.dashboard);
    await page.getByText("This node stands alone.").waitFor();

    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByLabel(/Reason/).fill("a test of the button");
    await page.locator("dialog").getByRole("button", { name: "Disconnect" }).click();
    await page.locator("#endings").getByText("a test of the button").first().waitFor();
    await ada.isThere(); // it comes back

    await page.getByRole("button", { name: "Ban" }).click();
    await page.getByLabel(/Seconds/).fill("600");
    await page.locator("dialog").getByRole("button", { name: "Ban" }).click();
    await page.locator("#endings").getByText("banned").first().waitFor();
    await ada.page.locator(".session.stopped").waitFor();
    await page.locator("#no-peers").waitFor();
    assert.deepEqual(await barriersOf(page), []);

    await page.getByRole("button", { name: /Drain/ }).click();
    await page.locator("dialog").getByRole("button", { name: "Drain" }).click();
    await page.getByText("draining: it takes nobody new").waitFor();
  });

  it("asks for the token, and says when it is wrong", async () => {
    const [one] = await mesh(1);
    await using crowd = await Crowd.open();
    const page = await crowd.browser.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${one!.page}/dashboard#token=not-the-token-of-this-node`);
    await page.getByText("the node does not know this token").waitFor();
    await page.locator("#token").fill(/#token=(.+)$/.exec(one!.dashboard)![1]!);
    await page.getByRole("button", { name: "Open" }).click();
    await page.locator("#tiles .tile").first().waitFor();
  });
});
