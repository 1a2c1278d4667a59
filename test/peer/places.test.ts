/** Where a peer takes its sessions: nodes it is told of, the nearer one as home, and away from one that drains. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import type { Peer } from "../../src/peer/peer.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

let world: VirtualWorld;
let urls: string[];

const places = (peer: Peer): string[] => peer.nodes.map(({ url, plane }) => `${plane} ${url}`);

interface Outcome {
  /** Longest time between two arrivals, milliseconds. */
  gap: number;
}

/** A sends numbered messages to B; what happens meanwhile must not lose, double or reorder one. */
async function talk(
  a: Peer,
  b: Peer,
  count: number,
  events: Record<number, () => void>,
  pace: number = 10,
): Promise<Outcome> {
  const arriving = nextLink(b);
  const link = await world.run(a.dial(b.id));
  await world.run(link.opened);
  const arrivals: number[] = [];
  const texts = collect(await world.run(arriving), () => arrivals.push(world.clock.now()));
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    events[i]?.();
    sends.push(link.send(`${i}`));
    await world.pass(pace);
  }
  await world.run(Promise.all(sends));
  await world.pass(1_000);
  assert.deepEqual(texts, Array.from({ length: count }, (_, i) => `${i}`));
  return { gap: Math.max(...arrivals.slice(1).map((at, i) => at - arrivals[i]!)) };
}

describe("a peer that was given one URL of a mesh of three", () => {
  afterEach(() => world.end());
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = await world.startMesh(3);
  });

  it("takes its standby at a node that home told it of", async () => {
    const peer = await world.open({ nodes: [urls[0]!] });
    await world.pass(200);
    assert.equal(places(peer)[0], `home ${urls[0]}`);
    assert.equal(peer.nodes[1]!.plane, "standby");
    assert(urls.slice(1).map((url) => world.node(url).id).includes(peer.nodes[1]!.id));
  });

  it("keeps to one session, or to its own nodes, if it is told so", async () => {
    const one = await world.open({ nodes: [urls[0]!], standby: false });
    const own = await world.open({ nodes: [urls[0]!], learn: false });
    const two = await world.open({ nodes: urls.slice(0, 2), standby: false });
    await world.pass(200);
    assert.deepEqual([one, own, two].map((peer) => peer.nodes.length), [1, 1, 1]);
  });

  it("outlives its home killed with -9 under traffic: nothing lost or doubled, under a second", async () => {
    for (const whose of ["sender", "receiver"]) {
      const [a, b] = [await world.open({ nodes: [urls[0]!] }), await world.open({ nodes: [urls[1]!] })];
      await world.pass(500);
      const victim = whose === "sender" ? urls[0]! : urls[1]!;
      const { gap } = await talk(a, b, 100, { 30: () => world.kill(victim) });
      assert(gap < 1_000, `the home of the ${whose} killed: ${gap} ms`);
      world.restart(victim);
      await world.pass(40_000);
      for (const peer of [a, b]) assert.equal(peer.nodes.length, 2);
      await world.run(Promise.all([a.close(), b.close()]));
    }
  });

  it("tells by events what peer.nodes says", async () => {
    const peer = await world.open({ nodes: [urls[0]!] });
    const told: string[] = [];
    peer.addEventListener("node", ({ state, plane, url }) => told.push(`${state} ${plane} ${url}`));
    await world.pass(500);
    const standby = peer.nodes[1]!.url;
    assert.deepEqual(told, [`connected standby ${standby}`]);
    world.kill(urls[0]);
    await world.pass(10);
    assert.deepEqual(told.slice(1), [`disconnected home ${urls[0]}`, `promoted home ${standby}`]);
    assert.deepEqual(places(peer), [`home ${standby}`]);
    world.restart(urls[0]);
    await world.pass(40_000);
    assert.deepEqual(told.at(-1), `connected standby ${urls[0]}`);
  });
});

describe("a hostile node", () => {
  afterEach(() => world.end());
  const FRIENDS = ["ws://127.0.1.1", "ws://127.0.1.2", "ws://127.0.1.3"];
  const HOSTILE = "ws://127.0.0.9";
  const HONEST = "ws://127.0.0.8";
  beforeEach(async () => {
    world = new VirtualWorld();
    for (const url of [HOSTILE, ...FRIENDS]) await world.start(url, { nodes: FRIENDS });
    await world.start(HONEST);
  });

  it("that names only its friends never gets both places, even while the honest one is down", async () => {
    const peer = await world.open({ nodes: [HONEST, HOSTILE] });
    const check = () => {
      const own = peer.nodes.filter(({ url }) => url === HONEST || url === HOSTILE);
      assert(peer.nodes.length < 2 || own.length > 0, places(peer).join(", "));
    };
    await world.pass(500);
    assert.deepEqual(peer.nodes.map(({ url }) => url).sort(), [HONEST, HOSTILE]);
    world.kill(HONEST);
    for (let i = 0; i < 20; i++, check()) await world.pass(500);
    world.kill(HOSTILE);
    for (let i = 0; i < 40; i++, check()) await world.pass(500);
    // A friend alone carries on, but the other place waits for a node of the configuration.
    assert.equal(peer.nodes.length, 1);
    assert(FRIENDS.includes(peer.nodes[0]!.url));
    world.restart(HONEST);
    await world.pass(60_000);
    assert(peer.nodes.some(({ url }) => url === HONEST));
  });

  it("that is learned cannot end the peer by claiming that it was replaced", async () => {
    const peer = await world.open({ nodes: [HOSTILE] });
    await world.pass(500);
    const friend = peer.nodes[1]!.url;
    assert(FRIENDS.includes(friend));
    // 4003: replaced, which from a node of the configuration ends the peer.
    for (const [, node] of world.stations.get(friend)!.lines) node.close(4003, "replaced");
    await world.pass(5_000);
    assert.equal(peer.closed, false);
    assert.equal(peer.nodes[0]!.url, HOSTILE);
    assert(peer.nodes[1]!.url !== friend);
  });

  it("of another network is no standby", async () => {
    const alien = await world.start("ws://127.0.0.7", { network: "elsewhere" });
    const home = await world.start("ws://127.0.0.6", { nodes: [alien] });
    const peer = await world.open({ nodes: [home] });
    await world.pass(20_000);
    assert.deepEqual(places(peer), [`home ${home}`]);
    assert.equal(peer.closed, false);
  });
});

describe("a home that drains", () => {
  afterEach(() => world.end());
  it("is left at once: no gap beyond a round trip, nothing lost, doubled or reordered", async () => {
    world = new VirtualWorld();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 5, max: 60 }), fc.constantFrom(0, 1), async (moment, drained) => {
        world = new VirtualWorld();
        urls = await world.startMesh(3);
        const [a, b] = [await world.open({ nodes: [urls[0]!] }), await world.open({ nodes: [urls[1]!] })];
        await world.pass(500);
        const url = urls[drained]!;
        const { gap } = await talk(a, b, 80, { [moment]: () => void world.node(url).drain(5_000) });
        assert(gap <= 150, `a gap of ${gap} ms`);
        const who = drained === 0 ? a : b;
        assert.notEqual(who.nodes[0]!.url, url);
        await world.end();
      }),
      { numRuns: 6 },
    );
  });

  it("names the way to others, which a peer without a standby takes", async () => {
    world = new VirtualWorld();
    const others: string[] = [];
    const home = await world.start("ws://127.0.0.1", { nodes: others });
    const next = await world.start("ws://127.0.0.2");
    const peer = await world.open({ nodes: [home] });
    await world.pass(100);
    assert.equal(peer.nodes.length, 1);
    others.push(next);
    await world.run(world.node(home).drain(1_000));
    await world.pass(100);
    assert.deepEqual(places(peer), [`home ${next}`]);
  });
});

describe("of home and standby", () => {
  afterEach(() => world.end());
  const FAR = "ws://127.0.0.1";
  const NEAR = "ws://127.0.0.2";
  /** At home far away, with a standby that came later. */
  const settled = async (far: number, near: number): Promise<Peer> => {
    world = new VirtualWorld();
    urls = await world.startMesh(2);
    world.delays.set(FAR, far);
    world.delays.set(NEAR, near);
    world.kill(NEAR);
    const peer = await world.open({ nodes: urls });
    world.restart(NEAR);
    await world.pass(5_000);
    assert.deepEqual(places(peer), [`home ${FAR}`, `standby ${NEAR}`]);
    return peer;
  };

  it("the nearer one becomes home after some pings, and links do not notice", async () => {
    const a = await settled(60, 5);
    const b = await world.open({ nodes: [NEAR], standby: false });
    const told: string[] = [];
    a.addEventListener("node", ({ state, plane, url }) => told.push(`${state} ${plane} ${url}`));
    const { gap } = await talk(a, b, 400, {}, 250);
    assert.deepEqual(told, [`promoted home ${NEAR}`]);
    assert.deepEqual(places(a), [`home ${NEAR}`, `standby ${FAR}`]);
    assert(gap <= 400, `a gap of ${gap} ms`);
    const watch = b.watch(a.id);
    await world.pass(500);
    assert.equal(watch.node, world.node(NEAR).id); // the record says so
  });

  it("an equal one changes nothing in ten minutes", async () => {
    const peer = await settled(20, 20);
    let changes = 0;
    peer.addEventListener("node", () => changes++);
    await world.clock.advance(600_000);
    assert.deepEqual([places(peer), changes], [[`home ${FAR}`, `standby ${NEAR}`], 0]);
  });
});
