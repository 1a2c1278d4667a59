/** Peers that are there already when other nodes come. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import { VirtualWorld } from "./virtual_world.ts";

let world: VirtualWorld;
const places = (peer: Peer): string[] => peer.nodes.map(({ url, plane }) => `${plane} ${url}`);

describe("a peer that came before its home knew of others", () => {
  const mesh = { token: "a token of this network" };
  const [FIRST, SECOND] = ["ws://127.0.0.1", "ws://127.0.0.2"];
  afterEach(() => world.end());
  beforeEach(async () => {
    world = new VirtualWorld();
    await world.start(FIRST, { mesh: { ...mesh, urls: [FIRST] } });
  });
  const join = (url: string) => world.start(url, { mesh: { ...mesh, urls: [url], join: [FIRST] } });

  it("has a standby soon after they came, unless it learns of none", async () => {
    const peer = await world.open({ nodes: [FIRST] });
    const own = await world.open({ nodes: [FIRST], learn: false });
    await world.pass(1_000);
    assert.deepEqual(places(peer), [`home ${FIRST}`]);
    await join(SECOND);
    await world.pass(5_000);
    assert.deepEqual(places(peer), [`home ${FIRST}`, `standby ${SECOND}/`]);
    assert.deepEqual(places(own), [`home ${FIRST}`]);
  });

  it("does not come together with all the others", async () => {
    const peers: Peer[] = [];
    for (let i = 0; i < 12; i++) peers.push(await world.open({ nodes: [FIRST] }));
    const arrivals = new Set<number>();
    for (const peer of peers) peer.addEventListener("node", () => arrivals.add(world.clock.now()));
    await join(SECOND);
    await world.pass(5_000);
    assert(peers.every(({ nodes }) => nodes.length === 2));
    assert(Math.max(...arrivals) - Math.min(...arrivals) > 500, `${[...arrivals]}`);
  });
});
