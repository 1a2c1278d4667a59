import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Courier } from "../../src/chat/courier.ts";
import { readMessage } from "../../src/chat/chat_message.ts";
import { MemoryStore } from "../../src/chat/store.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { Link } from "../../src/link/link.ts";
import type { PostOptions } from "../../src/link/posts.ts";

/** Told each time the store is asked for anything: whatever may happen while a courier waits for it. */
class TellingStore extends MemoryStore {
  asked: () => void = () => {};

  override name(): Promise<string> {
    this.asked();
    return super.name();
  }
  override async outbox(): ReturnType<MemoryStore["outbox"]> {
    const found = await super.outbox();
    this.asked();
    return found;
  }
}

/** A link that keeps what it is given until it is taken back. */
class HoldingLink {
  readonly closed = false;
  held: string[] = [];

  post(bytes: Uint8Array, { signal }: PostOptions): { processed: Promise<void> } {
    const { body } = readMessage(bytes)!;
    const text = body.kind === "text" ? body.text : "";
    this.held.push(text);
    const processed = new Promise<void>((_, reject) => {
      signal!.addEventListener("abort", () => {
        this.held = this.held.filter((each) => each !== text);
        reject(signal!.reason);
      });
    });
    return { processed };
  }
}

const TEXTS = ["one", "two", "three", "four", "five"];

describe("a courier", () => {
  for (let at = 1; at <= 6; at++) {
    it(`keeps the order when the other side restarts while the store answers for the ${at}. time`, async () => {
      const [own, peer] = [(await generateIdentity()).id, (await generateIdentity()).id];
      const store = new TellingStore();
      const link = new HoldingLink();
      for (const text of TEXTS) {
        const to = [{ peer, status: "queued" as const }];
        await store.add({
          id: text,
          room: peer,
          from: own,
          at: 1,
          body: { kind: "text", text },
          to,
          seen: true,
        });
      }
      const courier = new Courier(peer, {
        own,
        store,
        link: () => Promise.resolve(link as unknown as Link),
        after: () => () => {},
        progress: () => {},
      });
      let times = 0;
      store.asked = () => {
        if (++times === at) courier.restart();
      };
      courier.wake();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (times < at) courier.restart();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(link.held, TEXTS);
    });
  }
});
