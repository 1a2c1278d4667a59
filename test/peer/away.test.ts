import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

const code = (expected: string) => (error: unknown) =>
  error instanceof WaymeetError && error.code === expected;

describe("nodes and peers that come and go", () => {
  let world: VirtualWorld;
  beforeEach(async () => {
    world = new VirtualWorld();
    await world.start();
  });
  afterEach(() => world.end());

  it("a node killed under traffic, at any moment, loses and doubles nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }),
        async (kills) => {
          const world = new VirtualWorld();
          await world.start();
          const [a, b] = [await world.open(), await world.open()];
          const arriving = nextLink(b);
          const link = await world.run(a.dial(b.id));
          const count = 200;
          const sends: Promise<unknown>[] = [];
          const sending = (async () => {
            for (let i = 0; i < count; i++) {
              sends.push(link.send(`a${i}`));
              await new Promise<void>((resolve) => world.clock.after(3, resolve));
            }
          })();
          const incoming = await world.run(arriving);
          const atB = collect(incoming, (message) => void incoming.send(message));
          const atA = collect(link);
          for (const wait of kills) {
            await world.clock.advance(wait);
            world.kill();
            await world.clock.advance(wait % 50);
            world.restart();
          }
          await world.run(sending);
          await world.run(Promise.all(sends));
          await world.clock.advance(120_000);
          const expected = Array.from({ length: count }, (_, i) => `a${i}`);
          assert.deepEqual(atB, expected);
          assert.deepEqual(atA, expected);
          await world.end();
        },
      ),
      { numRuns: 12 },
    );
  });

  it("a link tells at once when the other process is gone, and never claims to be connected without it", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("hello"));
    assert.equal(link.connected, true);
    const seen: boolean[] = [];
    link.addEventListener("presence", ({ connected }) => seen.push(connected));
    const lines = [...[...world.stations.values()][0]!.lines];
    lines[1]![0].terminate(); // b's machine is gone
    await world.clock.advance(4 * world.delay);
    assert.deepEqual(seen, [false]);
    assert.equal(link.connected, false);
    assert.equal(b.closed, false);
  });

  it("a message to a peer that went away fails at once, or waits as long as its sender says", async () => {
    const identity = await generateIdentity();
    const [a, b] = [await world.open(), await world.open({ key: identity })];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const [, lineB] = [...[...world.stations.values()][0]!.lines];
    lineB![0].terminate();
    await world.clock.advance(50);
    await assert.rejects(world.run(link.send("now or never", { deadline: 0 }), 50), code("absent"));
    const patient = link.send("when you are back", { deadline: 60_000 });
    await world.run(patient); // b dials again by itself
  });

  it("a message that nobody takes in time fails with timeout", async () => {
    const identity = await generateIdentity();
    const [a, b] = [await world.open(), await world.open({ key: identity })];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    await world.run(b.close());
    await assert.rejects(
      world.run(link.send("x", { deadline: 5_000 }), 6_000),
      (error) => code("timeout")(error) || code("closed")(error),
    );
  });

  it("what a process took in and did not process before its end is told so, and can be sent again", async () => {
    const identity = await generateIdentity();
    const a = await world.open();
    const b = await world.open({ key: identity });
    const link = await world.run(a.dial(b.id));
    const posted = link.post("read and forgotten", { asks: true });
    await world.run(posted.delivered);
    world.kill(); // so that the process ends without a word
    const closing = b.close();
    world.restart();
    const again = await world.open({ key: identity });
    const arriving = nextLink(again);
    link.post("wakes the link");
    await world.run(assert.rejects(posted.processed, code("peer-restarted")));
    const repeated = link.post("read and forgotten", { asks: true, id: posted.id });
    const incoming = await world.run(arriving);
    collect(incoming, (message) => message.ack());
    await world.run(repeated.processed);
    await world.run(closing);
    assert.equal(repeated.status, "processed");
  });

  it("a peer that restarts gets what its predecessor did not take, under the same ids", async () => {
    const identity = await generateIdentity();
    const [a, b] = [await world.open(), await world.open({ key: identity })];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    let restarts = 0;
    link.addEventListener("restart", () => restarts++);
    world.kill(); // both lose the node; b's process dies meanwhile
    const posted = [link.post("one"), link.post("two")];
    await world.clock.advance(10);
    const dead = b;
    world.restart();
    const closing = dead.close();
    const again = await world.open({ key: identity });
    const arriving = nextLink(again);
    const incoming = await world.run(arriving);
    const ids: string[] = [];
    const texts = collect(incoming, (message) => ids.push(message.id));
    await world.run(Promise.all(posted.map(({ delivered }) => delivered)));
    await world.run(closing);
    await world.clock.advance(1_000);
    assert.deepEqual(texts, ["one", "two"]);
    assert.deepEqual(ids, posted.map(({ id }) => id));
    assert.equal(restarts, 1);
  });

  it("a second process with the same key replaces the first, which says so and stays away", async () => {
    const identity = await generateIdentity();
    const first = await world.open({ key: identity });
    const changes: string[] = [];
    first.addEventListener("node", ({ state, reason }) => changes.push(`${state} ${reason}`));
    await world.clock.advance(5);
    const second = await world.open({ key: identity });
    await world.clock.advance(120_000);
    assert.deepEqual(changes, ["stopped replaced"]);
    assert(first.closed);
    await assert.rejects(first.dial((await generateIdentity()).id), code("replaced"));
    assert(second.node);
  });

  it("an hour of silence: the same sessions, every ping answered, and the next message at once", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const sessions = [a.node!.session, b.node!.session];
    let changes = 0;
    for (const peer of [a, b]) peer.addEventListener("node", () => changes++);
    link.addEventListener("presence", () => changes++);
    await world.clock.advance(3_600_000);
    assert.deepEqual([a.node!.session, b.node!.session], sessions);
    assert.equal(changes, 0);
    const began = world.clock.now();
    await world.run(link.send("good morning"));
    assert(world.clock.now() - began <= 4 * world.delay + 2);
  });

  it("opened offline, a peer connects when a node appears", async () => {
    world.kill();
    const a = await world.open({ offline: true });
    await world.clock.advance(10_000);
    assert.equal(a.node, undefined);
    world.restart();
    await world.clock.advance(60_000);
    assert(a.node);
  });

  it("when the attempts are used up the peer ends, and everything waiting is told", async () => {
    const [a, b] = [await world.open({ reconnect: { maxAttempts: 3 } }), await world.open()];
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    world.kill();
    const waiting = link.send("x");
    await assert.rejects(world.run(waiting));
    assert(a.closed);
    await assert.rejects(a.dial(b.id), code("node-unreachable"));
    world.restart();
  });

  it("a draining node is left for the next one of the list, and links go on", async () => {
    await world.start("ws://127.0.0.2");
    const nodes = ["ws://127.0.0.1", "ws://127.0.0.2"];
    const [a, b] = [await world.open({ nodes }), await world.open({ nodes })];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("before"));
    const texts = collect(await world.run(arriving));
    const draining = world.node("ws://127.0.0.1").drain(1_000);
    const sends = Array.from({ length: 50 }, (_, i) => link.send(`m${i}`));
    await world.run(draining);
    await world.run(Promise.all(sends));
    assert.equal(a.node!.url, "ws://127.0.0.2");
    assert.equal(b.node!.url, "ws://127.0.0.2");
    assert.deepEqual(texts, ["before", ...Array.from({ length: 50 }, (_, i) => `m${i}`)]);
  });

  it("a slow reader slows its sender, and nothing piles up between", async () => {
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    const posted = Array.from({ length: 400 }, () => link.post(new Uint8Array(16_384)));
    const incoming = await world.run(arriving);
    await world.clock.advance(5_000);
    const delivered = () => posted.filter(({ status }) => status === "delivered").length;
    const before = delivered();
    assert(before < 200, `${before} of 400 were taken in unread`);
    const messages = incoming[Symbol.asyncIterator]();
    for (let i = 0; i < 400; i++) await world.run(messages.next());
    await world.clock.advance(5_000);
    assert.equal(delivered(), 400);
  });
});
