import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { Link } from "../../src/link/link.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

const code = (expected: string) => (error: unknown) => {
  assert(error instanceof WaymeetError, String(error));
  assert.equal(error.code, expected);
  return true;
};

describe("races between dialling, sending and closing", () => {
  let world: VirtualWorld;
  /** A node that is killed leaves its own timers to the clock. */
  let killed: boolean;
  const kill = () => {
    killed = true;
    world.kill();
  };
  beforeEach(async () => {
    killed = false;
    world = new VirtualWorld();
    await world.start();
  });
  afterEach(async () => {
    await world.end();
    if (!killed) assert.equal(world.clock.timers, 0);
  });

  it("a dial under way when the peer closes rejects with closed and leaves nothing behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 40 }), fc.boolean(), async (moment, busy) => {
        const [a, b, c] = [await world.open(), await world.open(), await world.open()];
        const other = busy ? await world.run(a.dial(c.id)) : undefined;
        other?.post("x".repeat(3_000_000)); // nobody reads: closing waits
        const dialling = a.dial(b.id).then((link) => link.send("x")).then(
          () => "sent",
          (error) => error.code,
        );
        await world.clock.advance(moment);
        const closing = a.close();
        assert(["sent", "closed"].includes(await world.run(dialling, 10_000)));
        await world.run(closing, 10_000);
        assert.equal(a.links.size, 0);
        await world.run(Promise.all([b.close(), c.close()]));
        await world.clock.advance(2_000);
        assert(world.clock.timers <= 20, `${world.clock.timers} timers`);
      }),
      { numRuns: 20 },
    );
  });

  it("a dial that waits for its peer ends at once when this peer closes", async () => {
    const a = await world.open();
    const { id } = await generateIdentity();
    const dialling = a.dial(id, { deadline: 100_000 });
    dialling.catch(() => {});
    await world.clock.advance(5_000);
    const began = world.clock.now();
    void a.close();
    await assert.rejects(world.run(dialling), code("closed"));
    assert(world.clock.now() - began <= 10);
  });

  it("a link that is accepted after the peer closed does not come about", async () => {
    const [a, b] = [await world.open(), await world.open()];
    let decide!: (yes: boolean) => void;
    b.addEventListener("request", ({ request }) => request.decideLater(new Promise((yes) => decide = yes)));
    b.addEventListener("link", () => assert.fail("a closed peer got a link"));
    const link = await world.run(a.dial(b.id));
    await world.clock.advance(100);
    await world.run(b.close());
    decide(true);
    await world.clock.advance(100);
    assert.equal(b.links.size, 0);
    await world.run(link.close());
  });

  it("a decision that takes long is asked for once", async () => {
    const [a, b] = [await world.open(), await world.open()];
    let asked = 0;
    b.addEventListener("request", ({ request }) => {
      asked++;
      request.decideLater(new Promise((resolve) => world.clock.after(20_000, () => resolve(true))));
    });
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("patient"), 60_000);
    assert.equal(asked, 1);
  });

  it("a decision that is rejected or thrown rejects the link", async () => {
    const a = await world.open();
    const b = await world.open();
    b.addEventListener("request", ({ request }) => request.decideLater(Promise.reject(new Error("no idea"))));
    const c = await world.open({
      accept: () => {
        throw new Error("no idea");
      },
    });
    await assert.rejects(world.run(a.send(b.id, "x")), code("rejected"));
    await assert.rejects(world.run(a.send(c.id, "x")), code("rejected"));
  });

  it("a dial while the link is being closed gives a new link, and neither loses a message", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        async (open, gap) => {
          const [a, b] = [await world.open(), await world.open()];
          const texts: string[] = [];
          b.addEventListener(
            "link",
            ({ link }) => void collect(link, (message) => texts.push(message.text())),
          );
          const first = await world.run(a.dial(b.id));
          await world.clock.advance(open);
          const one = first.post("one");
          const closing = first.close();
          await world.clock.advance(gap);
          const began = world.clock.now();
          const second = await world.run(a.dial(b.id), 10_000);
          await world.run(second.send("two"), 10_000);
          assert.equal(second.closed, false);
          await world.run(one.delivered);
          await world.run(closing);
          assert(world.clock.now() - began < 1_000, `${world.clock.now() - began} ms`);
          assert.deepEqual(texts, ["one", "two"]);
          await world.run(Promise.all([a.close(), b.close()]));
        },
      ),
      { numRuns: 25 },
    );
  });

  it("both dial at once: each has one link, and no event beside it that would take half of the messages", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), async (gap) => {
        const [a, b] = [await world.open(), await world.open()];
        const links: Link[] = [];
        for (const peer of [a, b]) peer.addEventListener("link", ({ link }) => links.push(link));
        const ab = a.dial(b.id);
        await world.clock.advance(gap);
        const ba = b.dial(a.id);
        links.push(await world.run(ab), await world.run(ba));
        await world.run(Promise.all(links.map((link) => link.opened)));
        for (const peer of [a, b]) {
          const other = peer === a ? b : a;
          const own = links.filter((link) => link.peer === other.id);
          // The later dial may get another handle of what an event told of before.
          assert.ok(own.length === 1 || (peer === b && gap > 0), `${own.length} after ${gap} ms`);
        }
        await world.run(Promise.all([a.close(), b.close()]));
      }),
      { numRuns: 25 },
    );
  });

  it("who answers a message with one of its own reaches its sender, who is closing the link just then", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 40 }), async (gap) => {
        const [a, b] = [await world.open(), await world.open()];
        const heard: string[] = [];
        a.addEventListener("link", ({ link }) => void collect(link, (message) => heard.push(message.text())));
        const statuses: string[] = [];
        const onStatus = ({ status }: { status: string }) => statuses.push(status);
        const replied: Promise<unknown>[] = [];
        const reply = () => replied.push(b.send(a.id, "and to you", { onStatus }));
        b.addEventListener("link", ({ link }) => void collect(link, () => world.clock.after(gap, reply)));
        await world.run(a.send(b.id, "hello"));
        await world.pass(gap + 10);
        await world.run(Promise.all(replied));
        await world.pass(10);
        assert.deepEqual([heard, replied.length], [["and to you"], 1]);
        assert.equal(statuses.includes("failed"), false);
        await world.run(Promise.all([a.close(), b.close()]));
      }),
      { numRuns: 15 },
    );
  });

  it("a dial that is given up leaves the link that came meanwhile to the event", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const stop = new AbortController();
    const dialling = a.dial(b.id, { signal: stop.signal });
    const arriving = nextLink(a);
    const welcomed = world.run(b.dial(a.id));
    stop.abort();
    await assert.rejects(dialling);
    await welcomed;
    assert.equal((await world.run(arriving)).peer, b.id);
  });

  it("both dial, send and close at once: every message that was delivered arrived once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 })), { maxLength: 12 }),
        async (acts) => {
          const [a, b] = [await world.open(), await world.open()];
          const arrived: string[] = [];
          for (const peer of [a, b]) {
            peer.addEventListener("link", ({ link }) => {
              link.addEventListener("close", () => {});
              void collect(link, (message) => arrived.push(message.text()));
            });
          }
          const outcomes: Promise<string>[] = [];
          for (const [i, [ours, wait]] of acts.entries()) {
            const [from, to] = ours ? [a, b] : [b, a];
            outcomes.push(from.send(to.id, `m${i}`).then(() => `m${i}`, (error) => error.code));
            await world.clock.advance(wait);
          }
          const settled = await world.run(Promise.all(outcomes), 60_000);
          await world.clock.advance(1_000);
          assert.equal(new Set(arrived).size, arrived.length, `twice: ${arrived}`);
          for (const each of settled) assert(["closed"].includes(each) || each.startsWith("m"), each);
          await world.run(Promise.all([a.close(), b.close()]));
        },
      ),
      { numRuns: 25 },
    );
  });

  it("a send that waits when the other side closes the link rejects with closed and names the peer", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const waiting = link.send(new Uint8Array(8_000_000)); // more than b grants while nobody reads...
    const ping = link.ping();
    const stream = link.openStream();
    waiting.catch(() => {});
    await world.run(ping);
    void (await world.run(arriving)).close("enough");
    const error = await world.run(waiting.then(() => undefined, (error) => error), 20_000);
    assert(code("closed")(error));
    assert.equal(error.peer, b.id);
    await assert.rejects(
      world.run(stream.writable.getWriter().write(new Uint8Array(1)), 10_000),
      WaymeetError,
    );
    await assert.rejects(link.ping(), code("closed"));
  });

  it("a signal ends a dial at every moment, and no link comes of it", async () => {
    for (let moment = 0; moment <= 24; moment++) {
      const [a, b] = [await world.open(), await world.open()];
      const controller = new AbortController();
      const dialling = a.dial(b.id, { signal: controller.signal }).then(() => "found", (error) => error.code);
      await world.clock.advance(moment);
      controller.abort();
      const before = world.clock.now();
      const outcome = await world.run(dialling);
      if (outcome !== "found") {
        assert.equal(outcome, "aborted");
        assert(world.clock.now() - before <= 2);
        assert.equal(a.links.size, 0);
      }
      await world.run(Promise.all([a.close(), b.close()]));
    }
  });

  it("a signal ends a dial whose node does not answer", async () => {
    const [a, b] = [await world.open(), await world.open()];
    world.blackhole("ws://127.0.0.1");
    const controller = new AbortController();
    const dialling = a.dial(b.id, { signal: controller.signal });
    dialling.catch(() => {});
    await world.clock.advance(100);
    controller.abort(new Error("enough"));
    const began = world.clock.now();
    await assert.rejects(world.run(dialling), code("aborted"));
    assert(world.clock.now() - began <= 2);
  });

  it("a dial's deadline is checked, and may be as long as a timer can be", async () => {
    const a = await world.open();
    const { id } = await generateIdentity();
    for (const deadline of [NaN, -1, Infinity, 2 ** 31]) {
      await assert.rejects(world.run(a.dial(id, { deadline }), 1_000), RangeError);
      await assert.rejects(world.run(a.send(id, "x", { deadline }), 1_000), RangeError);
    }
  });

  it("what a dial fails with names the peer", async () => {
    const a = await world.open();
    const { id } = await generateIdentity();
    const names = (error: unknown) => (assert.equal((error as WaymeetError).peer, id), true);
    await assert.rejects(world.run(a.dial(id)), names);
    await assert.rejects(world.run(a.dial(id, { signal: AbortSignal.abort() })), names);
    kill();
    await world.clock.advance(10);
    await assert.rejects(world.run(a.dial(id)), names);
    world.restart();
  });

  it("a message posted again under its id after a timeout is bounded by its own deadline alone", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const id = "0123456789abcdef".repeat(2);
    kill();
    const first = link.post("x", { id, deadline: 500, asks: true });
    await world.clock.advance(200);
    const second = link.post("x", { id, asks: true });
    await assert.rejects(world.run(first.delivered), code("timeout"));
    assert.equal(second.status, "queued");
    world.restart();
    collect([...b.links.values()][0]!, (message) => message.ack());
    await world.run(second.processed, 60_000);
  });

  it("every message of an id is settled when the link ends", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const id = "0123456789abcdef".repeat(2);
    kill();
    const posts = [link.post("x", { id }), link.post("x", { id }), link.post("x", { id, deadline: 100 })];
    await world.clock.advance(200);
    await world.run(link.close(), 10_000);
    for (const { delivered } of posts) await assert.rejects(world.run(delivered, 10), WaymeetError);
    world.restart();
  });

  it("a signal that fires when a message has just been delivered does not take that back", async () => {
    const [a, b] = [await world.open(), await world.open()];
    b.addEventListener("link", ({ link }) => void collect(link, (message) => message.ack()));
    const link = await world.run(a.dial(b.id));
    const controller = new AbortController();
    const posted = link.post("x", {
      asks: true,
      signal: controller.signal,
      onStatus: ({ status }) => status === "delivered" && controller.abort(),
    });
    await world.run(posted.delivered);
    await world.run(posted.processed, 1_000);
  });

  it("presence tells every change of connected, and nothing else", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    const seen: boolean[] = [];
    link.addEventListener("presence", ({ connected }) => {
      assert.equal(connected, link.connected);
      seen.push(connected);
    });
    await world.run(link.opened);
    for (let i = 0; i < 3; i++) {
      kill();
      await world.clock.advance(500);
      world.restart();
      await world.clock.advance(20_000);
    }
    await world.run([...b.links.values()][0]!.close());
    await world.clock.advance(100);
    assert.equal(link.connected, false);
    assert.deepEqual(seen, seen.map((_, i) => i % 2 === 0), `${seen}`);
    assert.equal(seen.at(-1), false);
  });

  it("a dial during an outage of the node waits for it, as long as its deadline says", async () => {
    const [a, b] = [await world.open(), await world.open()];
    kill();
    await world.clock.advance(100);
    const patient = a.dial(b.id, { deadline: 120_000 });
    const hasty = a.dial(b.id);
    const began = world.clock.now();
    await assert.rejects(world.run(hasty), code("node-unreachable"));
    assert(world.clock.now() - began <= 10_100);
    await world.clock.advance(20_000);
    world.restart();
    const link = await world.run(patient, 120_000);
    await world.run(link.send("back"), 60_000);
  });

  it("an error thrown by a program's onStatus ends neither link nor session", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    const thrown: unknown[] = [];
    const own = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (run) =>
      own(() => {
        try {
          run();
        } catch (error) {
          thrown.push(error);
        }
      });
    const mistake = new Error("a mistake of the program");
    await world.run(
      link.send("x", {
        onStatus: () => {
          throw mistake;
        },
      }),
    ).finally(() => globalThis.queueMicrotask = own);
    await world.run(link.send("y"));
    assert.deepEqual(thrown, [mistake, mistake]); // sent, delivered
    assert.equal(a.nodes.length, 1);
  });

  it("after many dials, sends and closes nothing is left of them", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const controller = new AbortController();
    let listening = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (...words: Parameters<typeof add>) => (listening++, add.apply(signal, words));
    signal.removeEventListener = (
      ...words: Parameters<typeof remove>
    ) => (listening--, remove.apply(signal, words));
    let links = 0;
    let closes = 0;
    b.addEventListener("link", ({ link }) => {
      links++;
      link.addEventListener("close", () => closes++);
      void collect(link);
    });
    const before = world.clock.timers;
    for (let i = 0; i < 200; i++) {
      await world.run(a.send(b.id, `m${i}`, { signal, deadline: 10_000 }), 1_000);
    }
    await world.clock.advance(6_000);
    assert.equal(a.links.size + b.links.size, 0);
    assert.equal(links, 200);
    assert.equal(closes, 200);
    assert.equal(listening, 0);
    assert(world.clock.timers <= before + 2, `${world.clock.timers} timers, ${before} before`);
  });
});
