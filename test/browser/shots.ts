/**
 * Makes the README's screenshots: `node --import tsx test/browser/shots.ts`. What they show
 * is real: people in browsers of their own, over a mesh of three nodes.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";
import { Crowd, introduce } from "./people.ts";

const place = (name: string) => fileURLToPath(new URL(`./screenshots/${name}.png`, import.meta.url));
const stage = new Stage("node");
try {
  const ports = [await freePort(), await freePort(), await freePort()];
  let dashboard = "";
  for (const port of ports) {
    const url = `ws://127.0.0.1:${port}`;
    const join = port === ports[0] ? [] : ["--join", `ws://127.0.0.1:${ports[0]}`];
    const node = await stage.serve(
      port,
      "--mesh-token",
      "a token for the pictures",
      "--mesh-url",
      url,
      ...join,
    );
    dashboard ||= String((await node.event("ready"))["dashboard"]);
  }
  await using crowd = await Crowd.open();
  const page = (i: number) => `http://127.0.0.1:${ports[i]}`;
  const ada = await crowd.person("Ada", page(0));
  const ben = await crowd.person("Ben", page(1), { dark: true });
  await introduce(ada, ben);
  await ben.open("Ada");
  await ada.say("Hello Ben! Your node is another one than mine, isn't it?");
  await ben.say("It is. Neither of them can read this.");
  await ada.say("And ✓ means that your browser has stored it, not that some server took it.");
  await ada.page.locator("#files").setInputFiles({
    name: "map-of-the-valley.pdf",
    mimeType: "application/pdf",
    buffer: Buffer.alloc(4_200_000, 7),
  });
  await ada.page.locator("#entries > li[data-status=delivered] .file").waitFor();
  await ada.page.locator(".path", { hasText: "ms" }).waitFor();
  await ada.page.screenshot({ path: place("chat") });
  await ben.page.screenshot({ path: place("chat-dark") });

  const operator = await crowd.browser.newPage({ viewport: { width: 1100, height: 900 } });
  await operator.goto(dashboard);
  await operator.waitForFunction(() => document.querySelectorAll("#map line").length === 3);
  for (let i = 0; i < 12; i++) {
    await ada.say(`A little traffic for the plot, ${i + 1}.`);
    await operator.waitForTimeout(1_000);
  }
  await operator.setViewportSize({ width: 1200, height: 860 });
  await operator.waitForTimeout(3_000);
  await operator.screenshot({ path: place("dashboard") });
} finally {
  await stage.close();
}
