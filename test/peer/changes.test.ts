import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import type { Change } from "../../src/peer/platform.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

const NODE = "ws://127.0.0.1";

describe("what a platform tells of network and sleep", () => {
  let world: VirtualWorld;
  let told: Set<(change: Change) => void>;
  let dials: number;
  const tell = (change: Change) => told.forEach((each) => each(change));

  beforeEach(async () => {
    world = new VirtualWorld();
    told = new Set();
    dials = 0;
    const dial = world.dial.bind(world);
    world.dial = (...line) => (dials++, dial(...line));
    await world.start(NODE);
  });
  afterEach(() => world.end());

  /** A peer that hears of changes; others do not. */
  async function listener(): Promise<Peer> {
    world.changes = (hear) => (told.add(hear), () => void told.delete(hear));
    const peer = await world.open();
    world.changes = undefined;
    return peer;
  }

  it("offline: no dialling in haste; online: at once", async () => {
    const peer = await listener();
    tell("offline");
    world.kill(NODE);
    await world.clock.advance(100);
    assert.equal(peer.node, undefined);
    const before = dials;
    await world.clock.advance(29_000);
    assert.equal(dials, before);
    world.restart(NODE);
    tell("online");
    await world.pass(50);
    assert.equal(dials, before + 1);
    assert.ok(peer.node, "the session is back within 50 ms");
  });

  it("offline, while it waits to dial: the wait grows long, and ends nevertheless", async () => {
    const peer = await listener();
    world.kill(NODE);
    await world.clock.advance(1);
    tell("offline");
    const before = dials;
    await world.clock.advance(29_000);
    assert.equal(dials, before);
    world.restart(NODE);
    await world.pass(2_000);
    assert.ok(peer.node, "whatever the platform says of the network");
  });

  it("online, with a session that died unheard: it is found dead and replaced within five seconds", async () => {
    const peer = await listener();
    const old = peer.node!.session;
    world.blackhole(NODE);
    tell("online");
    await world.pass(5_000);
    assert.ok(peer.node && peer.node.session !== old);
  });

  it("woke, with a session that lives: nothing happens to it", async () => {
    const peer = await listener();
    const { session, pingsSent } = peer.node!;
    tell("woke");
    await world.pass(10_000);
    assert.equal(peer.node!.session, session);
    assert.ok(peer.node!.pingsSent > pingsSent);
  });

  it("leaving: others know in the time of one trip; returned: the same link goes on, and nothing was lost", async () => {
    const [page, friend] = [await listener(), await world.open()];
    const arriving = nextLink(page);
    const link = await world.run(friend.dial(page.id));
    await world.run(link.send("before"));
    const texts = collect(await arriving);
    tell("leaving");
    await world.pass(50);
    assert.equal(link.connected, false);
    assert.equal([...world.node(NODE).peers()].includes(page.id), false);
    const before = dials;
    const sending = link.send("meanwhile");
    await world.clock.advance(10_000);
    assert.equal(dials, before);
    tell("returned");
    await world.run(sending, 5_000);
    assert.equal(link.connected, true);
    assert.deepEqual(texts, ["before", "meanwhile"]);
  });

  it("is not listened to any more once the peer is closed", async () => {
    const peer = await listener();
    assert.equal(told.size, 1);
    await world.run(peer.close());
    assert.equal(told.size, 0);
  });
});
