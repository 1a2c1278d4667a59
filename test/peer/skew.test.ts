/** Nodes and peers whose clocks are wrong, each by another day. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { RECORD_LIFETIME } from "../../src/wire/limits.ts";
import { VirtualWorld, wrongClock } from "./virtual_world.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A mesh whose nodes' clocks are wrong by so many milliseconds. */
async function skewedMesh(skews: readonly number[]): Promise<{ world: VirtualWorld; urls: string[] }> {
  const world = new VirtualWorld();
  const urls = await world.startMesh(skews.length, {}, (clock, i) => wrongClock(clock, skews[i]!));
  return { world, urls };
}

/** A peer at one node alone, with a clock of its own. */
const at = (world: VirtualWorld, url: string, by: number, key?: Peer["id"] | object): Promise<Peer> =>
  world.open({
    nodes: [url],
    learn: false,
    standby: false,
    clock: wrongClock(world.clock, by),
    ...key as object,
  });

async function everybodyReaches(world: VirtualWorld, peers: Peer[]): Promise<void> {
  for (const from of peers) {
    for (const to of peers) {
      if (from === to) continue;
      const link = await world.run(from.dial(to.id, { deadline: 5_000 }));
      await world.run(link.send("found"));
    }
  }
}

describe("peers find each other in both directions", () => {
  for (
    const skews of [[MINUTE, 0, -MINUTE], [2 * MINUTE, 0, -2 * MINUTE], [0, 60 * MINUTE, 0], [DAY, -DAY, 0]]
  ) {
    it(`at nodes that are off by ${skews.map((ms) => ms / MINUTE).join(", ")} minutes`, async () => {
      const { world, urls } = await skewedMesh(skews);
      const peers: Peer[] = [];
      for (const url of urls) peers.push(await at(world, url, 0));
      await world.pass(500);
      await everybodyReaches(world, peers);
      await world.end();
    });
  }

  it("whatever the clocks of nodes and peers say, also after records were renewed", async () => {
    const skew = fc.integer({ min: -DAY, max: DAY });
    await fc.assert(
      fc.asyncProperty(fc.tuple(skew, skew, skew), fc.tuple(skew, skew, skew), async (nodes, own) => {
        const { world, urls } = await skewedMesh(nodes);
        const peers: Peer[] = [];
        for (const [i, url] of urls.entries()) peers.push(await at(world, url, own[i]!));
        await world.pass(500);
        await everybodyReaches(world, peers.slice(0, 2));
        await world.pass(RECORD_LIFETIME + 1_000, 500);
        await everybodyReaches(world, peers);
        for (const url of urls) {
          for (const { id } of peers) assert.notEqual(world.node(url).place(id), undefined);
        }
        await world.end();
      }),
      { numRuns: 6 },
    );
  });

  it("with a home and a standby of different times", async () => {
    const { world, urls } = await skewedMesh([DAY, -DAY, 0]);
    const both = await world.open({ nodes: urls.slice(0, 2), clock: wrongClock(world.clock, -DAY) });
    const other = await at(world, urls[2]!, DAY);
    await world.pass(500);
    assert.equal(world.node(urls[2]!).place(both.id)?.nodes.length, 2);
    await everybodyReaches(world, [both, other]);
    await world.end();
  });
});

describe("a peer that leaves", () => {
  it("is at no node any more half a second later", async () => {
    const { world, urls } = await skewedMesh([DAY, -DAY, 0]);
    const peer = await at(world, urls[0]!, 0);
    await world.pass(500);
    const { id } = peer;
    for (const url of urls) assert.notEqual(world.node(url).place(id), undefined);
    await world.run(peer.close());
    await world.pass(500);
    for (const url of urls) assert.equal(world.node(url).place(id), undefined);
    await world.end();
  });

  it("without a word holds for its record's 300 s at a node of another time", async () => {
    const { world, urls } = await skewedMesh([DAY, -DAY, 0]);
    const peer = await at(world, urls[0]!, 0);
    const asker = await at(world, urls[1]!, 0);
    await world.pass(500);
    const { until } = world.node(urls[1]!).place(peer.id)!;
    const left = until - (world.clock.wall() - DAY);
    assert(left > RECORD_LIFETIME - 5_000 && left <= RECORD_LIFETIME, `${left} ms are left`);
    await world.run(asker.close());
    await world.end();
  });
});

describe("a peer that moves from a node whose clock is fast to one whose clock is slow", () => {
  it("is found at the new one at once", async () => {
    const { world, urls } = await skewedMesh([DAY, -DAY, 0]);
    const moved = await world.open({ nodes: urls.slice(0, 2), learn: false, standby: false });
    const asker = await at(world, urls[2]!, 0);
    await world.pass(500);
    const before = world.node(urls[2]!).place(moved.id)!.nodes;
    const home = moved.nodes[0]!.url;
    world.kill(home);
    await world.pass(3_000);
    const after = world.node(urls[2]!).place(moved.id)?.nodes;
    assert(after && after.length === 1 && after[0] !== before[0]);
    await everybodyReaches(world, [moved, asker]);
    await world.end();
  });

  it("as a new process of its key is found at the new one, and the old one is told", async () => {
    const { world, urls } = await skewedMesh([DAY, -DAY, 0]);
    const key = await generateIdentity();
    const before = await at(world, urls[0]!, 0, { key });
    const asker = await at(world, urls[2]!, 0);
    let ended = "";
    before.addEventListener(
      "node",
      ({ state, reason }) => void (state === "stopped" && (ended = String(reason))),
    );
    await world.pass(10_000);
    const after = await at(world, urls[1]!, 0, { key });
    await world.pass(1_000);
    assert.deepEqual(world.node(urls[2]!).place(key.id)?.nodes, after.nodes.map(({ id }) => id));
    const link = await world.run(asker.dial(key.id, { deadline: 5_000 }));
    await world.run(link.send("found"));
    assert.match(ended, /replaced/);
    await world.end();
  });
});
