/** People with a chat open in Chromium, and what they do and see there. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Locator, Page } from "playwright";
import { launchChromium } from "./chromium.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Milliseconds for whatever a page is to show: a busy machine must not fail a test. */
const PATIENCE = 30_000;

/**
 * One tab with the chat. Whoever does something has it in front: behind others a page draws once a
 * second, and Playwright clicks on nothing before it was drawn twice.
 */
export class Person {
  readonly name: string;
  readonly page: Page;
  /** What the page complained of. */
  readonly complaints: string[];

  constructor(name: string, page: Page, complaints: string[]) {
    this.name = name;
    this.page = page;
    this.complaints = complaints;
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Makes an identity of that name, in a page that asks for one. */
  async arrive(): Promise<void> {
    await this.page.bringToFront();
    await this.page.locator("#new-name").fill(this.name);
    await this.page.getByRole("button", { name: "Make a key" }).click();
    await this.isThere();
  }

  async isThere(): Promise<void> {
    await this.page.locator(".session.connected").waitFor();
  }

  async id(): Promise<string> {
    await this.page.bringToFront();
    await this.page.locator(".me").click();
    const id = await this.page.locator("#whole-id").innerText();
    await this.page.keyboard.press("Escape");
    return id;
  }

  async ask(id: string, note: string = ""): Promise<void> {
    await this.page.bringToFront();
    await this.page.getByRole("button", { name: "Add a contact" }).click();
    await this.page.getByLabel(/Their id/).fill(id);
    await this.page.getByLabel(/A word to them/).fill(note);
    await this.page.getByRole("button", { name: "Ask", exact: true }).click();
  }

  async accept(name: string): Promise<void> {
    await this.page.bringToFront();
    await this.page.getByRole("button", { name: `Accept ${name}` }).click();
  }

  async open(name: string): Promise<void> {
    await this.page.bringToFront();
    await this.room(name).click();
    await this.page.getByRole("heading", { name: new RegExp(`^(# )?${name}$`) }).waitFor();
  }

  /** The line of a conversation in the list. */
  room(name: string): Locator {
    return this.page.locator("#rooms .room", { has: this.page.locator(".title", { hasText: name }) });
  }

  async say(text: string): Promise<void> {
    await this.page.bringToFront();
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
    await this.page.waitForFunction(
      () => (document.getElementById("text") as HTMLTextAreaElement).value === "",
      undefined,
      { polling: 20 },
    );
  }

  /** Shows the open conversation from its beginning. */
  async readBack(): Promise<void> {
    const rows = this.page.locator("#entries > li");
    while (await this.page.locator("#earlier").isVisible()) {
      const shown = await rows.count();
      await this.page.locator("#earlier").click();
      await this.page.waitForFunction(
        (shown) => document.querySelectorAll("#entries > li").length > shown,
        shown,
        { polling: 20 },
      );
    }
  }

  /** The row of a message, by its text. */
  said(text: string): Locator {
    return this.page.locator("#entries > li", { has: this.page.locator(`p.text`, { hasText: text }) });
  }

  /** Texts in the open conversation that others wrote. */
  async received(): Promise<string[]> {
    return await this.page.locator("#entries > li.theirs p.text").allInnerTexts();
  }

  async delivered(text: string): Promise<void> {
    await this.said(text).and(this.page.locator("[data-status=delivered]")).waitFor();
  }

  /** Serious findings of axe-core. */
  async barriers(): Promise<string[]> {
    return await barriersOf(this.page);
  }
}

export async function barriersOf(page: Page): Promise<string[]> {
  return await page.evaluate(async (source) => {
    (0, eval)(source);
    const { violations } = await (globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    }).axe.run();
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, AXE);
}

/** A browser with people in it. */
export class Crowd implements AsyncDisposable {
  readonly browser: Browser;
  readonly #complaints: string[] = [];

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async open(): Promise<Crowd> {
    return new Crowd(await launchChromium());
  }

  /** What any page complained of: exceptions, and errors on the console but lost connections. */
  get complaints(): string[] {
    return this.#complaints.filter((text) => !/WebSocket|ERR_CONNECTION|net::/.test(text));
  }

  /** Somebody in a browser profile of their own, at the node `url` (`http://…`). */
  async person(
    name: string,
    url: string,
    options: { dark?: boolean; phone?: boolean } = {},
  ): Promise<Person> {
    const context = await this.browser.newContext({
      bypassCSP: true, // for axe-core alone; a test of its own holds the page to its policy
      colorScheme: options.dark ? "dark" : "light",
      viewport: options.phone ? { width: 390, height: 780 } : { width: 1100, height: 720 },
    });
    const person = await this.tab(name, context, url);
    await person.arrive();
    return person;
  }

  /** One more tab of a profile. */
  async tab(name: string, context: BrowserContext, url: string): Promise<Person> {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => this.#complaints.push(`${name}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.#complaints.push(`${name}: ${message.text()}`);
    });
    await page.goto(`${url}/chat`);
    return new Person(name, page, this.#complaints);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
  }
}

/** Makes contacts of two people. */
export async function introduce(one: Person, other: Person): Promise<void> {
  await one.ask(await other.id(), `${one.name} here`);
  await other.accept(one.name);
  await one.open(other.name);
  await one.page.locator(".presence.online").waitFor();
}
