import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import type { Watch } from "../../src/peer/watch.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { FABRICS, VirtualWorld } from "./virtual_world.ts";

let world: VirtualWorld;
let urls: string[];

/** What a watch tells, with the virtual milliseconds since now. */
function listen(watch: Watch): { news: string; at: number }[] {
  const told: { news: string; at: number }[] = [];
  const began = world.clock.now();
  for (const news of ["online", "offline", "moved", "refused"] as const) {
    watch.addEventListener(news, () => told.push({ news, at: world.clock.now() - began }));
  }
  return told;
}
const names = (told: { news: string }[]): string[] => told.map(({ news }) => news);
const at = (...nodes: number[]): Promise<Peer> =>
  world.open({ nodes: nodes.map((i) => urls[i]!), learn: false }); // where exactly a peer is matters here
const idOf = (i: number): string => world.node(urls[i]).id;

describe("a watch at one node", () => {
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = [await world.start()];
  });
  afterEach(() => world.end());

  it("tells the state at once, and each change", async () => {
    const [a, b] = [await at(0), await at(0)];
    const watch = a.watch(b.id);
    assert.equal(watch.state, "unknown");
    const told = listen(watch);
    await world.pass(20);
    assert.deepEqual([watch.state, watch.node], ["online", idOf(0)]);
    await world.run(b.close());
    await world.pass(1_900);
    assert.equal(watch.state, "online");
    await world.pass(300);
    assert.deepEqual([watch.state, watch.node], ["offline", undefined]);
    assert.deepEqual(names(told), ["online", "offline"]);
    assert(told[1]!.at <= 2_200);
  });

  it("tells of a peer that comes later, and of one that begins anew", async () => {
    const a = await at(0);
    const key = await generateIdentity();
    const watch = a.watch(key.id, { patience: 0 });
    const told = listen(watch);
    await world.pass(20);
    const b = await world.open({ key });
    await world.pass(20);
    await world.run(b.close());
    await world.pass(20);
    await world.open({ key });
    await world.pass(20);
    assert.deepEqual(names(told), ["offline", "online", "offline", "online"]);
  });

  it("yields the state now, then the latest each time it is read, until it is closed", async () => {
    const [a, b] = [await at(0), await at(0)];
    const watch = a.watch(b.id, { patience: 0 });
    const iterator = watch[Symbol.asyncIterator]();
    const node = idOf(0);
    assert.deepEqual(await world.run(iterator.next()), { done: false, value: { state: "online", node } });
    await world.run(b.close());
    await world.pass(20);
    const offline = { done: false, value: { state: "offline", node: undefined } };
    assert.deepEqual(await world.run(iterator.next()), offline);
    const last = iterator.next();
    watch.close();
    assert.deepEqual(await world.run(last), { done: true, value: undefined });
    assert.equal(world.node().metricsText().includes("waymeet_watches 0"), false); // told first at the next turn
    await world.pass(20);
    assert.match(world.node().metricsText(), /waymeet_watches 0\n/);
  });

  it("of the same peer is asked for once, and the second knows at once", async () => {
    const [a, b] = [await at(0), await at(0)];
    const one = a.watch(b.id);
    await world.pass(20);
    const two = a.watch(b.id);
    assert.equal(two.state, "online");
    assert.match(world.node().metricsText(), /waymeet_watches 1\n/);
    one.close();
    await world.pass(20);
    assert.match(world.node().metricsText(), /waymeet_watches 1\n/);
    two.close();
    await world.run(b.close());
    await world.pass(3_000);
    assert.match(world.node().metricsText(), /waymeet_watches 0\n/);
  });

  it("leaves nothing behind at the node when its peer goes", async () => {
    const [a, b] = [await at(0), await at(0)];
    const watch = a.watch(b.id);
    await world.pass(20);
    await world.run(a.close());
    await world.pass(20);
    assert.match(world.node().metricsText(), /waymeet_watches 0\n/);
    const ended = await watch[Symbol.asyncIterator]().next();
    assert.equal(ended.done, true);
    assert.throws(() => a.watch(b.id), { code: "closed" });
  });

  it("stays as it is while its own node is gone, and tells what changed meanwhile", async () => {
    const reconnect = { min: 100, max: 200 }; // else one may be away for longer than the other's patience
    const [a, b, c] = [await world.open({ reconnect }), await world.open({ reconnect }), await at(0)];
    const [ofB, ofC] = [a.watch(b.id), a.watch(c.id)];
    await world.pass(20);
    const [toldB, toldC] = [listen(ofB), listen(ofC)];
    world.kill();
    await world.pass(50);
    const closing = c.close();
    await world.pass(5_000);
    assert.deepEqual([ofB.state, ofC.state], ["online", "online"]);
    world.restart();
    await world.pass(5_000);
    await world.run(closing);
    assert.deepEqual([names(toldB), names(toldC)], [[], ["offline"]]);
  });
});

describe("watches beyond what a node grants", () => {
  it("are refused, counted, and said to be: the others go on", async () => {
    world = new VirtualWorld();
    urls = [await world.start("ws://127.0.0.1", { limits: { watches: 2 } })];
    const [a, b] = [await at(0), await at(0)];
    const watches = [a.watch(b.id), a.watch(a.id), a.watch((await generateIdentity()).id)];
    const told = watches.map(listen);
    await world.pass(20);
    assert.deepEqual(told.map(names), [["online"], ["online"], ["refused"]]);
    await assert.rejects(world.run(watches[2]![Symbol.asyncIterator]().next()), { code: "over-quota" });
    assert.match(world.node().metricsText(), /waymeet_watches_refused_total\{reason="over-quota"\} 1\n/);
    await world.end();
  });

  it("asked for too fast are asked for again", async () => {
    world = new VirtualWorld();
    urls = [await world.start("ws://127.0.0.1", { limits: { watches: 1, lookupsPerSecond: 1 } })];
    const [a, b] = [await at(0), await at(0)];
    for (let i = 0; i < 3; i++) {
      a.watch(b.id).close();
      await world.pass(50);
    }
    const watch = a.watch(b.id);
    await world.pass(100);
    assert.equal(watch.state, "unknown");
    assert.match(world.node().metricsText(), /waymeet_watches_refused_total\{reason="rate-limited"\}/);
    await world.pass(6_000);
    assert.equal(watch.state, "online");
    await world.end();
  });
});

for (const fabric of FABRICS) {
  describe(`a watch across three nodes that ${fabric} joins`, () => {
    beforeEach(async () => {
      world = new VirtualWorld({ fabric });
      urls = await world.startMesh(3);
    });
    afterEach(() => world.end());

    it("tells within a second that a peer came, and that it went", async () => {
      const [a, b] = [await at(0), await at(1)];
      const watch = a.watch(b.id, { patience: 0 });
      const told = listen(watch);
      await world.pass(100);
      assert.deepEqual([watch.state, watch.node], ["online", idOf(1)]);
      await world.run(b.close());
      await world.pass(100);
      assert.equal(watch.state, "offline");
      assert.deepEqual(names(told), ["online", "offline"]);
    });

    it("tells only of the move of a peer that goes on through its standby when its home is killed", async () => {
      const [a, b] = [await at(0), await at(1, 2)];
      await world.pass(100);
      const watch = a.watch(b.id);
      await world.pass(100);
      const told = listen(watch);
      world.kill(urls[1]);
      await world.pass(30_000);
      assert.deepEqual(names(told), ["moved"]);
      assert(told[0]!.at < 1_000, `told after ${told[0]!.at} ms`);
      assert.equal(watch.node, idOf(2));
    });

    it("tells that peers are offline whose only node was killed, within ten seconds", async () => {
      const [a, b] = [await at(0), await at(1)];
      await world.pass(100);
      const watch = a.watch(b.id);
      await world.pass(100);
      const told = listen(watch);
      world.kill(urls[1]);
      await world.pass(10_000);
      assert.deepEqual(names(told), ["offline"]);
    });

    it("tells nothing false when its own home is killed, and goes on through the standby", async () => {
      const [a, b, c] = [await at(0, 1), await at(2), await at(2)];
      await world.pass(100);
      const [ofB, ofC] = [a.watch(b.id), a.watch(c.id)];
      await world.pass(100);
      const [toldB, toldC] = [listen(ofB), listen(ofC)];
      world.kill(urls[0]);
      await world.pass(500);
      await world.run(c.close());
      await world.pass(3_000);
      assert.deepEqual([names(toldB), names(toldC)], [[], ["offline"]]);
      world.restart(urls[0]);
      await world.pass(20_000);
      assert.deepEqual(names(toldB), []);
      assert.equal(ofB.state, "online");
    });

    it("tells of a partition what is true on this side, and of its healing", async () => {
      const [a, b] = [await at(0), await at(2)];
      await world.pass(100);
      const watch = a.watch(b.id);
      await world.pass(100);
      const told = listen(watch);
      const before = world.passes;
      world.cut(urls[0]!, urls[2]!);
      world.cut(urls[1]!, urls[2]!);
      await world.pass(30_000);
      assert.deepEqual(names(told), ["offline"]);
      world.passes = before;
      await world.pass(40_000);
      assert.deepEqual(names(told), ["offline", "online"]);
    });
  });
}
