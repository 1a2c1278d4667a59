import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Locks, ownTab } from "../../src/browser/tab_owner.ts";

/** Web Locks as the specification has them: exclusive, first come first served. */
function locks(): Locks {
  const tails = new Map<string, Promise<void>>();
  return {
    async request(name, { signal }, held) {
      const before = tails.get(name) ?? Promise.resolve();
      let release!: () => void;
      tails.set(name, new Promise((resolve) => release = resolve));
      const aborted = new Promise<never>((_, reject) =>
        signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")))
      );
      try {
        await Promise.race([before, aborted]);
        return await held();
      } finally {
        void before.then(release);
      }
    },
  };
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe("the owner among an origin's tabs", () => {
  it("is one at a time, and the next takes over when it ends", async () => {
    const port = locks();
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const tab = (name: string) =>
      ownTab("chat", () => {
        log.push(`${name} owns`);
        return new Promise<void>((resolve) => ends.push(() => (log.push(`${name} ends`), resolve())));
      }, { locks: port });
    const tabs = [tab("a"), tab("b"), tab("c")];
    await turns();
    assert.deepEqual(log, ["a owns"]);
    ends[0]!();
    await turns();
    assert.deepEqual(log, ["a owns", "a ends", "b owns"]);
    ends[1]!();
    await turns();
    ends[2]!();
    await Promise.all(tabs);
    assert.deepEqual(log.slice(-2), ["c owns", "c ends"]);
  });

  it("hands the next its turn when its work fails, and tells its caller why", async () => {
    const port = locks();
    const failed = ownTab("chat", () => Promise.reject(new Error("no node")), { locks: port });
    const next = ownTab("chat", () => Promise.resolve("mine"), { locks: port });
    await assert.rejects(failed, /no node/);
    assert.equal(await next, "mine");
  });

  it("is nobody who gave up waiting", async () => {
    const port = locks();
    let end!: () => void;
    const first = ownTab("chat", () => new Promise<void>((resolve) => end = resolve), { locks: port });
    await turns();
    const stop = new AbortController();
    let owned = false;
    const second = ownTab("chat", () => Promise.resolve(owned = true), { locks: port, signal: stop.signal });
    stop.abort();
    assert.equal(await second, undefined);
    end();
    await first;
    await turns();
    assert.equal(owned, false);
  });

  it("says what to do where there are no Web Locks", async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    try {
      await assert.rejects(ownTab("chat", () => Promise.resolve()), /https/);
    } finally {
      if (before) Object.defineProperty(globalThis, "navigator", before);
      else delete (globalThis as { navigator?: unknown }).navigator;
    }
  });
});
