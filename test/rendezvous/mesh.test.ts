import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";

let world: VirtualWorld;
let urls: string[];
const status = (i: number): MeshStatus => world.node(urls[i]).meshStatus()!;
const neighbours = (i: number): number => status(i).members.filter(({ session }) => session).length;
const openAt = (i: number): Promise<Peer> => world.open({ nodes: [urls[i]!] });

/** Numbered messages from one to the other; the texts as they arrive, and when. */
async function traffic(from: Peer, to: Peer, count: number, during: () => Promise<void>) {
  const arriving = nextLink(to);
  const link = await world.run(from.dial(to.id));
  await world.run(link.opened);
  const arrivals: number[] = [];
  const texts = collect(await world.run(arriving), () => arrivals.push(world.clock.now()));
  const sends: Promise<unknown>[] = [];
  const sending = (async () => {
    for (let i = 0; i < count; i++) {
      sends.push(link.send(`m${i}`));
      await new Promise<void>((resolve) => world.clock.after(10, resolve));
    }
  })();
  await during();
  await world.run(sending);
  await world.run(Promise.all(sends), 20_000);
  await world.pass(500);
  assert.deepEqual(texts, Array.from({ length: count }, (_, i) => `m${i}`));
  return Math.max(...arrivals.slice(1).map((at, i) => at - arrivals[i]!));
}

describe("three nodes of one network", () => {
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = await world.startMesh(3);
  });
  afterEach(() => world.end());

  it("have one session with each other, found through one of them, and keep it", async () => {
    for (const i of [0, 1, 2]) {
      assert.equal(neighbours(i), 2);
      assert.deepEqual(status(i).members.map(({ state }) => state), ["alive", "alive"]);
    }
    const before = [0, 1, 2].flatMap((i) => status(i).members.map(({ session }) => session!.seconds));
    await world.pass(20_000);
    const after = [0, 1, 2].flatMap((i) => status(i).members.map(({ session }) => session!.seconds));
    assert.deepEqual(after.map((seconds, i) => seconds - before[i]! >= 20), [
      true,
      true,
      true,
      true,
      true,
      true,
    ]);
    assert.deepEqual(status(0).refusals, {});
  });

  it("let peers at different nodes find each other and talk, each message once", async () => {
    const [a, b] = [await openAt(0), await openAt(1)];
    await world.pass(100);
    await traffic(a, b, 50, () => Promise.resolve());
    assert(status(0).forwarded.framesOut > 50);
  });

  it("carry traffic around a session that is cut, within a second", async () => {
    const [a, b] = [await openAt(0), await openAt(1)];
    await world.pass(100);
    const gap = await traffic(a, b, 100, async () => {
      await world.pass(300);
      world.cut(urls[0]!, urls[1]!);
    });
    assert(gap <= 1_000, `a gap of ${gap} ms`);
    assert(status(2).forwarded.framesOut > 10);
  });

  it("forget the peers of a node that is killed, and tell their correspondents", async () => {
    const [a, b] = [await openAt(0), await openAt(1)];
    await world.pass(100);
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    assert.equal(status(2).presence.peers, 2);
    world.kill(urls[1]);
    await world.pass(8_000);
    assert.equal(status(0).presence.peers, 1);
    assert.equal(status(2).presence.peers, 1);
    assert.equal(world.node(urls[0]).metrics.goneNotices, 1);
  });
});
