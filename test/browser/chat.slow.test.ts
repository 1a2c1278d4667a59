// runtimes: node
// deadline: 600 s
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";
import { chromiumPath } from "./chromium.ts";
import { Crowd, introduce, type Person } from "./people.ts";

const stage = new Stage("node");
after(() => stage.close());
const skip = chromiumPath === undefined && "no Chromium here: apt-get install chromium";
const MESH = ["--mesh-token", "a token of this test's mesh"];

const page = (port: number) => `http://127.0.0.1:${port}`;

describe("the chat in Chromium", { skip }, () => {
  it("brings people of two nodes together: contacts, messages, a file, who is there", async () => {
    const [first, second] = [await freePort(), await freePort()];
    await stage.serve(first, ...MESH, "--mesh-url", `ws://127.0.0.1:${first}`);
    await stage.serve(
      second,
      ...MESH,
      "--mesh-url",
      `ws://127.0.0.1:${second}`,
      "--join",
      `ws://127.0.0.1:${first}`,
    );
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", page(first));
    const ben = await crowd.person("Ben", page(second), { dark: true });
    const cleo = await crowd.person("Cleo", page(first), { phone: true });

    await ada.ask(await ben.id(), "it is me, Ada");
    await ben.page.getByText("it is me, Ada").waitFor();
    assert.equal(await ben.page.locator("#requests-badge").innerText(), "1");
    await ben.accept("Ada");
    await ben.page.locator("#requests-part").waitFor({ state: "hidden" });
    await ada.open("Ben");
    await ada.page.locator(".presence.online").waitFor();

    await ada.say("Hello Ben, can you read this?");
    await ada.delivered("Hello Ben");
    await ben.said("Hello Ben").waitFor();
    await ben.say("I can.");
    await ben.delivered("I can.");
    await ada.said("I can.").waitFor();

    const content = Buffer.alloc(3_000_000, "waymeet ");
    await ada.page.locator("#files").setInputFiles({
      name: "map.txt",
      mimeType: "text/plain",
      buffer: content,
    });
    await ada.page.locator("#entries > li[data-status=delivered] .file").waitFor();
    const download = ben.page.waitForEvent("download");
    await ben.page.getByRole("button", { name: "map.txt" }).click();
    const chunks: Uint8Array[] = [];
    for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Uint8Array);
    assert.ok(Buffer.concat(chunks).equals(content), "the file arrived as it was sent");

    await cleo.ask(await ada.id());
    await ada.page.getByRole("button", { name: "Decline Cleo" }).click();
    await cleo.page.locator(".presence", { hasText: "declined" }).waitFor();
    await ada.page.locator("#requests-part").waitFor({ state: "hidden" });

    for (const person of [ada, ben, cleo]) {
      if (person === cleo) await cleo.page.getByRole("button", { name: "Back to the list" }).click();
      await person.page.getByRole("button", { name: "Join a group" }).click();
      await person.page.getByLabel("Its name").fill("lobby");
      await person.page.getByRole("button", { name: "Join", exact: true }).click();
    }
    for (const person of [ada, ben, cleo]) {
      await person.page.locator(".presence", { hasText: "3 here" }).waitFor();
    }
    await cleo.say("Good morning, all");
    await cleo.delivered("Good morning, all");
    for (const person of [ada, ben]) await person.said("Good morning, all").getByText("Cleo").waitFor();

    await ben.page.locator("#room-head button.presence").click();
    assert.deepEqual(await ben.barriers(), []);
    await ben.page.getByRole("button", { name: "Ask Cleo to be a contact" }).click();
    await cleo.page.getByRole("button", { name: "Back to the list" }).click();
    await cleo.accept("Ben");
    await cleo.page.locator(".presence.online").waitFor();

    await ada.open("Ben");
    await ada.page.locator("button.path").click();
    await ada.page.getByRole("heading", { name: "Between you and Ben" }).waitFor();
    assert.deepEqual(await ada.barriers(), []);
    await ada.page.keyboard.press("Escape");
    await ben.context.close();
    await ada.page.locator(".presence.away").waitFor();
    for (const person of [ada, cleo]) assert.deepEqual(await person.barriers(), []);
    assert.deepEqual(crowd.complaints, []);
  });

  it("keeps what is said to somebody who is away, and sends it when they are back, after a reload too", async () => {
    const port = await freePort();
    await stage.serve(port);
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", page(port));
    const ben = await crowd.person("Ben", page(port));
    await introduce(ada, ben);
    await ben.page.goto("about:blank");
    await ada.page.locator(".presence.away").waitFor();
    await ada.say("for later");
    await ada.page.reload();
    await ada.isThere();
    await ada.open("Ben");
    assert.notEqual(await ada.said("for later").getAttribute("data-status"), "delivered");
    await ben.page.goto(`${page(port)}/chat`);
    await ada.delivered("for later");
    await ben.open("Ada");
    assert.deepEqual(await ben.received(), ["for later"]);
    assert.deepEqual(crowd.complaints, []);
  });

  it("is one person in two tabs, and three persons in three tabs of one browser", async () => {
    const port = await freePort();
    await stage.serve(port);
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", page(port));
    const [ben, cleo] = [
      await crowd.tab("Ben", ada.context, page(port)),
      await crowd.tab("Cleo", ada.context, page(port)),
    ];
    for (const person of [ben, cleo]) {
      if (await person.page.locator("dialog").count() === 0) {
        await person.page.locator(".me").click();
        await person.page.getByRole("button", { name: "Other identities in this browser" }).click();
      }
      await person.arrive();
      await person.page.locator(".me", { hasText: person.name }).waitFor();
    }
    await introduce(ada, ben);
    await introduce(cleo, ben);
    await cleo.page.locator("button.path.local").waitFor(); // one browser: nothing leaves it

    // A second tab of Ben's: both show the same, one holds the session.
    const twin = await crowd.tab("Ben again", ada.context, page(port));
    await twin.page.locator("dialog").getByRole("button", { name: /Ben/ }).click();
    await twin.page.locator(".me", { hasText: "Ben" }).waitFor();
    await twin.open("Ada");
    await ada.say("to both of you");
    await ben.open("Ada");
    await Promise.all([ben.said("to both of you").waitFor(), twin.said("to both of you").waitFor()]);

    // The tab that holds the session goes, with messages under way both ways.
    for (let i = 0; i < 20; i++) {
      await ada.say(`number ${i}.`);
      await twin.say(`answer ${i}.`);
      if (i === 10) await ben.page.close();
    }
    await ada.delivered("number 19.");
    await twin.delivered("answer 19.");
    const count = (texts: string[], word: string) => texts.filter((text) => text.startsWith(word)).length;
    assert.equal(count(await twin.received(), "number"), 20);
    assert.equal(count(await ada.received(), "answer"), 20);
    assert.deepEqual(crowd.complaints, []);
  });

  it("never shows a ✓ for what did not arrive: 1,000 messages, a reload and a killed node on the way", async () => {
    const port = await freePort();
    let node = await stage.serve(port);
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", page(port));
    const ben = await crowd.person("Ben", page(port));
    const cleo = await crowd.person("Cleo", page(port));
    await introduce(ada, ben);
    await introduce(cleo, ben);
    await ben.open("Ada");

    const flood = (person: Person) =>
      person.page.evaluate(async () => {
        const field = document.getElementById("text") as HTMLTextAreaElement;
        const form = document.getElementById("composer") as HTMLFormElement;
        for (let i = 0; i < 500; i++) {
          field.value = `message ${i}.`;
          form.requestSubmit();
          while (field.value !== "") await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
    const sending = Promise.all([flood(ada), flood(cleo)]);
    const kept = await Promise.all(
      [ben.room("Cleo"), ben.page.locator("#room-title"), ben.page.locator(".me")].map((each) =>
        each.elementHandle()
      ),
    );
    await ben.page.waitForFunction(() => document.querySelectorAll("#entries > li").length >= 50);
    await ben.room("Cleo").locator(".badge").waitFor();
    const there = kept.map((element) => element!.evaluate(({ isConnected }) => isConnected));
    assert.deepEqual(await Promise.all(there), [true, true, true], "what one may press stays in the page");
    await ben.page.reload();
    await ben.isThere();
    await ben.open("Ada");
    await node.stop("SIGKILL");
    node = await stage.serve(port);
    await sending;
    const expected = Array.from({ length: 500 }, (_, i) => `message ${i}.`);
    for (const [person, name] of [[ada, "Ada"], [cleo, "Cleo"]] as const) {
      await person.delivered("message 499.");
      await ben.open(name);
      for (const one of [person, ben]) {
        await one.readBack();
      }
      // The last one may be delivered before an earlier one, which the dead node took with it, is sent again.
      await person.page.waitForFunction(() =>
        document.querySelector("#entries > li:is([data-status=queued], [data-status=sent])") === null
      );
      const statuses = await person.page.locator("#entries > li.own").evaluateAll((rows) =>
        rows.map((row) => (row as HTMLElement).dataset.status)
      );
      assert.deepEqual([statuses.length, new Set(statuses)], [500, new Set(["delivered"])]);
      assert.deepEqual(await ben.received(), expected);
    }
    assert.deepEqual(crowd.complaints, []);
  });

  it("can be used with the keyboard alone", async () => {
    const port = await freePort();
    await stage.serve(port);
    await using crowd = await Crowd.open();
    const ada = await crowd.person("Ada", page(port));
    const ben = await crowd.person("Ben", page(port));
    const id = await ben.id();
    const press = async (person: Person, key: string, times = 1) => {
      for (let i = 0; i < times; i++) await person.page.keyboard.press(key);
    };
    const tabTo = async (person: Person, name: RegExp) => {
      for (let i = 0; i < 40; i++) {
        const label = await person.page.evaluate(() => {
          const active = document.activeElement as HTMLElement;
          if (active === document.body) return "";
          return active.getAttribute("aria-label") || active.innerText || active.id;
        });
        if (name.test(label)) return;
        await press(person, "Tab");
      }
      assert.fail(`the keyboard does not reach ${name}`);
    };
    await tabTo(ada, /Add a contact/);
    await press(ada, "Enter");
    await ada.page.keyboard.type(id);
    await press(ada, "Enter");
    await ben.page.getByRole("button", { name: "Accept Ada" }).waitFor();
    await tabTo(ben, /Accept Ada/);
    await press(ben, "Enter");
    await ben.page.locator("#composer").waitFor();
    await ada.page.locator(".presence.online").waitFor();
    await tabTo(ada, /^text$/);
    await ada.page.keyboard.type("typed");
    await press(ada, "Enter");
    await ada.delivered("typed");
    assert.deepEqual(crowd.complaints, []);
  });

  it("runs under its own content policy, without a complaint", async () => {
    const port = await freePort();
    await stage.serve(port);
    await using crowd = await Crowd.open();
    const context = await crowd.browser.newContext();
    const ada = await crowd.tab("Ada", context, page(port));
    await ada.arrive();
    assert.deepEqual(crowd.complaints, []);
    const answer = await ada.page.reload();
    assert.match(await answer!.headerValue("content-security-policy") ?? "", /^default-src 'none'; /);
    await ada.isThere();
    assert.equal(await ada.page.evaluate(runsInline), false, "the browser holds the page to the policy");
  });
});

/** Whether a script runs that stands in the page itself, as one would that somebody had smuggled in. */
function runsInline(): boolean {
  const script = document.createElement("script");
  script.textContent = "globalThis.smuggled = true";
  document.body.append(script);
  return "smuggled" in globalThis;
}
