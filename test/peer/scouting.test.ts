/** A third node is looked at now and then, and takes a place when it is clearly nearer. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Peer } from "../../src/peer/peer.ts";
import {
  favoursThird,
  type Ranking,
  RANKING_GAIN,
  RANKING_SHARE,
  RANKING_WINDOW,
  wantsThird,
} from "../../src/peer/ranking.ts";
import { SCOUT_EVERY } from "../../src/peer/scouting.ts";
import { collect, nextLink, VirtualWorld } from "./virtual_world.ts";

const [HOME, STANDBY, THIRD] = ["ws://127.0.0.1", "ws://127.0.0.2", "ws://127.0.0.3"] as const;
const MINUTE = 60_000;
/** Milliseconds from one instant to the next while nothing but pings happens. */
const LEAP = 500;

/** Milliseconds one way to each node. */
type Delays = Record<typeof HOME | typeof STANDBY | typeof THIRD, number>;

async function settled(delays: Delays): Promise<{ world: VirtualWorld; peer: Peer }> {
  const world = new VirtualWorld();
  const urls = [HOME, STANDBY, THIRD];
  for (const url of urls) await world.start(url);
  for (const [url, delay] of Object.entries(delays)) world.delays.set(url, delay);
  const peer = await world.open({ nodes: urls });
  await world.pass(1_000);
  assert.deepEqual(places(peer), [`home ${HOME}`, `standby ${STANDBY}`]);
  return { world, peer };
}

function places(peer: Peer): string[] {
  return peer.nodes.map(({ plane, url }) => `${plane} ${url}`);
}

/** Lets time pass until the third node is dialled, and then the pings of a look if it is to `end`. */
async function look(world: VirtualWorld, { end }: { end: boolean }): Promise<void> {
  let dialled = false;
  const dial = world.dial;
  world.dial = (url, ...rest) => {
    dialled ||= url.startsWith(THIRD);
    return dial.call(world, url, ...rest);
  };
  for (let left = SCOUT_EVERY * 1.5 + MINUTE; !dialled; left -= LEAP) {
    assert(left > 0, "nobody looked");
    await world.pass(LEAP, LEAP);
  }
  world.dial = dial;
  await world.pass(end ? 12_000 : 2_000, end ? 5 : 1);
}

describe("a node that holds neither session", () => {
  it("takes the standby's place when it is clearly nearer, and then home's", async () => {
    const { world, peer } = await settled({ [HOME]: 60, [STANDBY]: 60, [THIRD]: 5 });
    const told: string[] = [];
    peer.addEventListener("node", ({ state, plane, url }) => told.push(`${state} ${plane} ${url}`));
    await look(world, { end: true });
    assert.deepEqual(told.slice(0, 2), [`disconnected standby ${STANDBY}`, `connected standby ${THIRD}`]);
    await world.pass(1.5 * MINUTE, 20);
    assert.deepEqual(told.slice(2), [`promoted home ${THIRD}`]);
    assert.deepEqual(places(peer), [`home ${THIRD}`, `standby ${HOME}`]);
    await world.end();
  });

  it("is left again when it is no nearer, and nobody notices", async () => {
    const { world, peer } = await settled({ [HOME]: 60, [STANDBY]: 60, [THIRD]: 45 });
    let changes = 0;
    peer.addEventListener("node", () => changes++);
    await look(world, { end: true });
    const { sessions, metrics } = world.node(THIRD);
    assert.deepEqual([changes, sessions, metrics.sessionsTotal], [0, 0, 1]);
    await world.end();
  });

  it("is not even looked at where nothing is to be gained", async () => {
    const { world } = await settled({ [HOME]: 9, [STANDBY]: 9, [THIRD]: 0 });
    await world.pass(SCOUT_EVERY * 1.5 + MINUTE, LEAP);
    assert.equal(world.node(THIRD).metrics.sessionsTotal, 0);
    await world.end();
  });

  it("passes on what its own peers send meanwhile", async () => {
    const { world, peer } = await settled({ [HOME]: 60, [STANDBY]: 60, [THIRD]: 70 });
    const friend = await world.open({ nodes: [HOME, THIRD] });
    const ofFriend = [...world.stations.get(HOME)!.lines].at(-1)!;
    await world.pass(1_000);
    const arriving = nextLink(peer);
    const link = await world.run(friend.dial(peer.id));
    const texts = collect(await world.run(arriving));
    await world.run(link.opened);
    await look(world, { end: false });
    assert.equal(world.node(THIRD).sessions, 2);
    ofFriend[0].terminate();
    const sent = link.send("by the node that is looked at");
    await world.pass(190); // sooner than anybody is back at the node they share
    assert.deepEqual(texts, ["by the node that is looked at"]);
    await world.run(sent);
    await world.end();
  });

  it("that falls silent while it is looked at is left alone", async () => {
    const { world, peer } = await settled({ [HOME]: 60, [STANDBY]: 60, [THIRD]: 5 });
    let changes = 0;
    peer.addEventListener("node", () => changes++);
    await look(world, { end: false });
    world.blackhole(THIRD);
    await world.pass(MINUTE, 20);
    assert.deepEqual([changes, places(peer)], [0, [`home ${HOME}`, `standby ${STANDBY}`]]);
    await world.end();
  });
});

describe("the advice to take a third node", () => {
  const samples = (least: number) =>
    fc.array(fc.double({ min: least, max: 2_000, noNaN: true }), {
      minLength: RANKING_WINDOW,
      maxLength: RANKING_WINDOW,
    });

  it("is given only for one that is nearer than the standby by the share and the gain that count", () => {
    fc.assert(fc.property(samples(0), samples(0), (standby, third) => {
      const ranking: Ranking = { home: [], standby, restUntil: 0 };
      const [was, is] = [standby, third].map((each) => each.toSorted((a, b) => a - b)[2]!) as [
        number,
        number,
      ];
      const nearer = is <= was * RANKING_SHARE && is <= was - RANKING_GAIN;
      assert.equal(favoursThird(ranking, third, 0), nearer);
      if (nearer) assert(wantsThird(ranking) && !favoursThird({ ...ranking, standby: third }, standby, 0));
    }));
  });

  it("is not given before enough is known, nor soon after another change", () => {
    const [far, near] = [
      new Array<number>(RANKING_WINDOW).fill(100),
      new Array<number>(RANKING_WINDOW).fill(1),
    ];
    const ranking: Ranking = { home: far, standby: far, restUntil: 50 };
    assert.deepEqual([favoursThird(ranking, near, 49), favoursThird(ranking, near, 50)], [false, true]);
    assert.equal(favoursThird(ranking, near.slice(1), 50), false);
    assert.equal(favoursThird({ ...ranking, standby: far.slice(1) }, near, 50), false);
  });
});
