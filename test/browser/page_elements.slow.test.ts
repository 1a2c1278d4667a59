// runtimes: node
// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright";
import type * as elements from "../../src/page/element.ts";
import type * as lists from "../../src/page/list.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";

const skip = chromiumPath === undefined && "no Chromium here: apt-get install chromium";
const root = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = `export * from "./src/page/element.ts"; export * from "./src/page/list.ts";`;

/** What the page has in its `elements`. */
interface Elements {
  elements: typeof elements & typeof lists;
}

describe("what a page shows anew, in Chromium", { skip }, () => {
  let browser: Browser;
  let page: Page;
  before(async () => {
    const { outputFiles } = await build({
      stdin: { contents: PROGRAM, resolveDir: root },
      bundle: true,
      format: "iife",
      globalName: "elements",
      // tsx keeps the names of functions by it, in those too that a page evaluates.
      footer: { js: "globalThis.__name = (named) => named;" },
      write: false,
    });
    browser = await launchChromium();
    page = await browser.newPage();
    await page.addScriptTag({ content: outputFiles[0]!.text });
  });
  after(() => browser?.close());

  it("stays the same row while it changes, with what it does when pressed, where it has the focus", async () => {
    const found = await page.evaluate(() => {
      const { h, List } = (globalThis as unknown as Elements).elements;
      const pressed: string[] = [];
      const root = h("ul");
      document.body.replaceChildren(root);
      const rows = new List<{ key: string; news: number }>(root, ({ key }) => key, ({ key, news }) =>
        h(
          "li",
          { title: news > 1 ? `${news} new` : undefined },
          h("button", { onclick: () => pressed.push(`${key}${news}`) }, key, news > 0 && h("b", {}, news)),
        ));
      rows.show([{ key: "ada", news: 2 }, { key: "ben", news: 0 }]);
      const [ada, ben] = [...root.querySelectorAll("button")];
      ada!.focus();
      rows.show([{ key: "ada", news: 1 }, { key: "ben", news: 3 }, { key: "cleo", news: 0 }]);
      const same = [...root.querySelectorAll("button")].slice(0, 2).every((each, i) =>
        each === [ada, ben][i]
      );
      const { activeElement } = document;
      for (const button of root.querySelectorAll("button")) button.click();
      return { same, focused: activeElement === ada, pressed, html: root.innerHTML };
    });
    assert.deepEqual(found, {
      same: true,
      focused: true,
      pressed: ["ada1", "ben3", "cleo0"],
      html: "<li><button>ada<b>1</b></button></li>" +
        `<li title="3 new"><button>ben<b>3</b></button></li><li><button>cleo</button></li>`,
    });
  });

  it("moves no row when those before it go, and touches nothing when nothing changed", async () => {
    const found = await page.evaluate(() => {
      const { h, List } = (globalThis as unknown as Elements).elements;
      const root = h("ol");
      const rows = new List<string>(root, (key) => key, (key) => h("li", {}, key));
      rows.show(["a", "b", "c", "d"]);
      const observer = new MutationObserver(() => {});
      observer.observe(root, { childList: true, subtree: true, characterData: true, attributes: true });
      const changes = (things: string[]) => {
        rows.show(things);
        return [observer.takeRecords().length, root.textContent];
      };
      return [["c", "d", "e"], ["c", "d", "e"], ["e", "c", "d"], ["f", "d"]].map(changes);
    });
    // Two gone and one come; nothing; one moved (gone and come); two gone and one come.
    assert.deepEqual(found, [[3, "cde"], [0, "cde"], [2, "ecd"], [3, "fd"]]);
  });

  it("keeps children of their kind beside others that come and go", async () => {
    const found = await page.evaluate(() => {
      const { fill, h } = (globalThis as unknown as Elements).elements;
      const head = h("div");
      const words = () => h("button", { class: "quiet" }, "Safety words");
      const path = (kind: string) => h("button", { class: `path ${kind}` }, kind);
      fill(head, "Ada", words());
      const [text, button] = [...head.childNodes];
      fill(head, "Ada B.", path("relay"), words());
      const shown = head.children[0];
      fill(head, "Ada B.", path("direct"), words());
      const kept = head.firstChild === text && head.children[1] === button && head.children[0] === shown;
      const html = head.innerHTML;
      fill(head, words());
      return { kept, html, last: head.childNodes.length === 1 && head.firstChild === button };
    });
    assert.deepEqual(found, {
      kept: true,
      html: `Ada B.<button class="path direct">direct</button><button class="quiet">Safety words</button>`,
      last: true,
    });
  });
});
