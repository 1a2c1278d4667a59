/** Pages of Chromium with the SDK in them, bundled as any program would, and nothing else. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright";
import { freePort } from "../free_port.ts";
import { launchChromium } from "./chromium.ts";

/** Playwright's own switches that keep pages from being in the background, or from being kept for a way back. */
const AWAKE = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--disable-back-forward-cache",
];
/** Hidden pages are throttled to one turn of timers a minute after 1 s in place of 5 minutes. */
const THROTTLE = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1";

const PAGE =
  `<!DOCTYPE html><meta charset="utf-8"><title>SDK</title><script type="module" src="/sdk.js"></script>`;

export class SdkPages implements AsyncDisposable {
  readonly browser: Browser;
  readonly url: string;
  readonly #program: Browser;
  readonly #server: Server;

  private constructor(program: Browser, browser: Browser, server: Server) {
    this.#program = program;
    this.browser = browser;
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  static async open(): Promise<SdkPages> {
    const script = await sdk();
    const server = createServer(({ url }, response) => {
      const isScript = url === "/sdk.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = await freePort();
    const program = await launchChromium([THROTTLE, `--remote-debugging-port=${port}`], AWAKE);
    // A connection of its own, whose pages can be in the background: Playwright's defaults give every page the focus.
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
    return new SdkPages(program, browser, server);
  }

  /** A new tab in front of the others, the SDK at hand as `sdk`. */
  async page(): Promise<Page> {
    const page = await this.browser.contexts()[0]!.newPage();
    await this.load(page);
    return page;
  }

  async load(page: Page): Promise<void> {
    await page.goto(this.url);
    await page.waitForFunction(() => "sdk" in globalThis);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.#program.close();
    this.#server.close();
  }
}

async function sdk(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as sdk from "./src/mod.ts"; globalThis.sdk = sdk;`,
      resolveDir: fileURLToPath(new URL("../../", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0]!.text;
}

/** What evaluated functions find in a page. */
export interface SdkPage {
  sdk: typeof import("../../src/mod.ts");
  peer: import("../../src/mod.ts").Peer;
  texts: string[];
  events: string[];
}

/** Opens a peer in the page that answers each message with its text in capitals. Returns its id. */
export async function openPeer(page: Page, node: string): Promise<string> {
  return await page.evaluate(async (node) => {
    const here = globalThis as unknown as SdkPage;
    here.texts = [];
    here.events = [];
    here.peer = await here.sdk.Peer.open({ nodes: [node], paths: { direct: false } });
    here.peer.addEventListener("node", ({ state }) => here.events.push(state));
    here.peer.addEventListener("link", async ({ link }) => {
      for await (const message of link) {
        here.texts.push(message.text());
        await link.send(message.text().toUpperCase());
      }
    });
    return here.peer.id;
  }, node);
}

/** Freezes a page as Chromium does those that were hidden for long, or wakes it. */
export async function lifecycle(page: Page, state: "frozen" | "active"): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state });
  await session.detach();
}

/** Takes a page's network away until it is given back. */
export async function offline(page: Page): Promise<{ end(): Promise<void> }> {
  const session = await page.context().newCDPSession(page);
  const network = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: true, ...network });
  return {
    async end() {
      await session.send("Network.emulateNetworkConditions", { offline: false, ...network });
      await session.detach();
    },
  };
}
