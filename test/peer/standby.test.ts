import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

const ONE = "ws://127.0.0.1";
const TWO = "ws://127.0.0.2";

describe("a home and a standby", () => {
  let world: VirtualWorld;
  beforeEach(async () => {
    world = new VirtualWorld();
    await world.start(ONE);
    await world.start(TWO);
  });
  afterEach(() => world.end());

  const open = () => world.open({ nodes: [ONE, TWO] });

  it("a peer that knows two nodes has a session with both, and its record names both", async () => {
    const a = await open();
    await world.clock.advance(100);
    assert.deepEqual(a.nodes.map(({ url, plane }) => [url, plane]), [[ONE, "home"], [TWO, "standby"]]);
    const b = await world.open({ nodes: [TWO] });
    const arriving = nextLink(a);
    const link = await world.run(b.dial(a.id)); // found at its standby
    await world.run(link.send("hello"));
    assert.equal((await arriving).peer, b.id);
  });

  it("when home is killed links go on through the standby within a second, and nothing is lost or doubled", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 500 }), fc.boolean(), async (moment, silent) => {
        const world = new VirtualWorld();
        await world.start(ONE);
        await world.start(TWO);
        const nodes = [ONE, TWO];
        const [a, b] = [await world.open({ nodes }), await world.open({ nodes })];
        await world.clock.advance(100);
        const arriving = nextLink(b);
        const link = await world.run(a.dial(b.id));
        await world.run(link.opened);
        const arrivals: number[] = [];
        const incoming = await world.run(arriving);
        const texts = collect(incoming, () => arrivals.push(world.clock.now()));
        const sends: Promise<unknown>[] = [];
        const sending = (async () => {
          for (let i = 0; i < 100; i++) {
            sends.push(link.send(`m${i}`));
            await new Promise<void>((resolve) => world.clock.after(10, resolve));
          }
        })();
        await world.clock.advance(moment);
        if (silent) world.blackhole(ONE);
        else world.kill(ONE);
        await world.run(sending);
        await world.run(Promise.all(sends));
        await world.clock.advance(1_000);
        assert.deepEqual(texts, Array.from({ length: 100 }, (_, i) => `m${i}`));
        const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i]!);
        assert(Math.max(...gaps) <= 1_000, `a gap of ${Math.max(...gaps)} ms`);
        await world.end();
      }),
      { numRuns: 15 },
    );
  });

  it("the standby becomes home when home is gone, and the node that comes back becomes standby", async () => {
    const a = await open();
    await world.clock.advance(100);
    world.kill(ONE);
    await world.clock.advance(10);
    assert.deepEqual(a.nodes.map(({ url, plane }) => [url, plane]), [[TWO, "home"]]);
    world.restart(ONE);
    await world.clock.advance(5_000);
    assert.deepEqual(a.nodes.map(({ url, plane }) => [url, plane]), [[TWO, "home"], [ONE, "standby"]]);
  });

  it("a peer that left one node and is at the other is still reached", async () => {
    const [a, b] = [await open(), await open()];
    await world.clock.advance(100);
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    world.node(ONE).disconnect(b.id, "off with you");
    await world.clock.advance(20);
    await world.run(link.send("over there"), 1_000);
  });
});
