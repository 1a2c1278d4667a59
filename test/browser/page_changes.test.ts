import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Page, pageChanges } from "../../src/browser/page_changes.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

function page(onLine: boolean | undefined) {
  const document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  return Object.assign(new EventTarget(), { navigator: { onLine }, document }) satisfies Page;
}

const shown = (persisted: boolean) => Object.assign(new Event("pageshow"), { persisted });

describe("a page's changes", () => {
  it("are told as the platform port names them", () => {
    const [window, told] = [page(true), [] as string[]];
    const stop = pageChanges((change) => told.push(change), window);
    window.dispatchEvent(new Event("offline"));
    window.dispatchEvent(new Event("online"));
    window.dispatchEvent(new Event("pagehide"));
    window.dispatchEvent(shown(true));
    window.document.dispatchEvent(new Event("resume"));
    assert.deepEqual(told, ["offline", "online", "leaving", "returned", "woke"]);
    stop();
  });

  it("are no changes when a page is shown for the first time, or hidden", () => {
    const [window, told] = [page(true), [] as string[]];
    const stop = pageChanges((change) => told.push(change), window);
    window.dispatchEvent(shown(false));
    window.document.dispatchEvent(new Event("visibilitychange"));
    assert.deepEqual(told, []);
    window.document.visibilityState = "visible";
    window.document.dispatchEvent(new Event("visibilitychange"));
    assert.deepEqual(told, ["woke"]);
    stop();
  });

  it("begin with `offline` where there is no network", () => {
    const told: string[] = [];
    pageChanges((change) => told.push(change), page(false))();
    assert.deepEqual(told, ["offline"]);
  });

  it("end with the returned function", () => {
    const [window, told] = [page(true), [] as string[]];
    pageChanges((change) => told.push(change), window)();
    window.dispatchEvent(new Event("online"));
    window.document.dispatchEvent(new Event("resume"));
    assert.deepEqual(told, []);
  });

  it("are none in a runtime that knows nothing of its network", () => {
    const [window, told] = [page(undefined), [] as string[]];
    pageChanges((change) => told.push(change), window);
    window.dispatchEvent(new Event("online"));
    assert.deepEqual(told, []);
  });

  it("are told when time is missing: the machine slept", async () => {
    const [clock, told] = [new VirtualClock(), [] as string[]];
    let slept = 0;
    const time = {
      wall: () => clock.wall() + slept,
      after: (delay: number, run: () => void) => clock.after(delay, run),
    };
    const stop = pageChanges((change) => told.push(change), page(true), time);
    await clock.advance(600_000);
    assert.deepEqual(told, [], "timers came when they were due");
    slept = 3_600_000;
    await clock.advance(60_000);
    assert.deepEqual(told, ["woke"]);
    stop();
    assert.equal(clock.timers, 0);
  });
});
