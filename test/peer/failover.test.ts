/** One node falls silent or dies under a link, for every place that node can have in it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import { encodeNotice } from "../../src/wire/frames.ts";
import { peerIdBytes } from "../../src/identity/peer_id.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { collect, type FabricName, nextLink, VirtualWorld } from "./virtual_world.ts";

const NODES = 4;
/** Milliseconds between two messages. */
const PACE = 20;
const MESSAGES = 80;

/** The home and the standby of each of two peers, as numbers of nodes. */
type Places = readonly [homeA: number, standbyA: number, homeB: number, standbyB: number];

/** One of each kind: which of the four places are the same node says all. */
function combinations(): Places[] {
  const all = Array.from({ length: NODES ** 4 }, (_, i): Places => {
    const digit = (n: number) => Math.floor(i / NODES ** n) % NODES;
    return [digit(0), digit(1), digit(2), digit(3)];
  });
  const kinds = new Map<string, Places>();
  for (const places of all) {
    if (places[0] === places[1] || places[2] === places[3]) continue;
    const kind = places.map((place) => places.indexOf(place)).join("");
    if (!kinds.has(kind)) kinds.set(kind, places);
  }
  return [...kinds.values()];
}

/** With NATS there are no routes that the places could change: each node at its own is enough. */
function fabricsAndPlaces(): [FabricName, Places][] {
  return [...combinations().map((places): [FabricName, Places] => ["gossip", places]), ["nats", [
    0,
    1,
    2,
    3,
  ]]];
}

interface Scene {
  world: VirtualWorld;
  urls: string[];
  a: Peer;
  b: Peer;
}

async function scene(
  [homeA, standbyA, homeB, standbyB]: Places,
  fabric: FabricName = "gossip",
): Promise<Scene> {
  const world = new VirtualWorld({ fabric });
  const urls = await world.startMesh(NODES);
  const a = await world.open({ nodes: [urls[homeA]!, urls[standbyA]!] });
  const b = await world.open({ nodes: [urls[homeB]!, urls[standbyB]!] });
  await world.pass(500);
  return { world, urls, a, b };
}

/** Both send numbered messages; returns the longest gap between two arrivals at either, milliseconds. */
async function talk({ world, a, b }: Scene, fault: () => void): Promise<number> {
  const arriving = nextLink(b);
  const ab = await world.run(a.dial(b.id));
  await world.run(ab.opened);
  const ba = await world.run(arriving);
  const arrivals: number[][] = [[], []];
  const heard = [ba, ab].map((link, i) => collect(link, () => arrivals[i]!.push(world.clock.now())));
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    if (i === 10) fault();
    sends.push(ab.send(`${i}`), ba.send(`${i}`));
    await world.pass(PACE);
  }
  await world.run(Promise.all(sends));
  await world.pass(100);
  const expected = Array.from({ length: MESSAGES }, (_, i) => `${i}`);
  assert.deepEqual(heard, [expected, expected]);
  return Math.max(...arrivals.flatMap((each) => each.slice(1).map((at, i) => at - each[i]!)));
}

describe("whichever of the nodes of two peers fails, wherever they are at home", () => {
  for (const [fabric, places] of fabricsAndPlaces()) {
    const name = places.map((place) => place + 1).join(" ");
    it(`by ${fabric}, homes and standbys ${name}: a killed one costs under a second, a silent one under 1.5`, async () => {
      for (const victim of new Set(places)) {
        for (const silent of [false, true]) {
          const stage = await scene(places, fabric);
          const { world, urls } = stage;
          const url = urls[victim]!;
          const gap = await talk(stage, () => silent ? world.blackhole(url) : world.kill(url));
          const what = `node ${victim + 1} ${silent ? "silent" : "killed"}: a gap of ${gap} ms`;
          assert(gap < (silent ? 1_500 : 1_000), what);
          await world.end();
        }
      }
    });
  }
});

describe("a single message that was under way to a node when that died", () => {
  // NATS tells of a node's end only who asks for it, a moment after something was sent there.
  for (
    const [fabric, after, most] of [...[6, 8, 12].map((ms) => ["gossip", ms, 150] as const), [
      "nats",
      8,
      300,
    ]] as const
  ) {
    it(`is sent again soon, not after a wait in vain (by ${fabric}, ${after} ms on its way)`, async () => {
      const { world, urls, a, b } = await scene([0, 1, 2, 3], fabric);
      const arriving = nextLink(b);
      const link = await world.run(a.dial(b.id));
      await world.run(link.opened);
      const texts = collect(await world.run(arriving));
      await world.pass(1_000);
      const began = world.clock.now();
      const sent = link.send("only this");
      await world.pass(after);
      world.kill(urls[2]!);
      await world.run(sent, 5_000);
      assert(world.clock.now() - began < most, `${world.clock.now() - began} ms`);
      assert.deepEqual(texts, ["only this"]);
      await world.end();
    });
  }
});

describe("a peer whose home froze", () => {
  it("meets others through its standby within 1.6 s", async () => {
    const { world, urls, a, b } = await scene([0, 1, 2, 1]);
    world.blackhole(urls[0]!);
    const began = world.clock.now();
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    assert(world.clock.now() - began < 1_600, `${world.clock.now() - began} ms`);
    await world.end();
  });
});

describe("a node whose session with another ended", () => {
  it("leads to a peer's standby: a third one may believe in vain that it reaches its home", async () => {
    const { world, urls, a, b } = await scene([0, 1, 2, 3]);
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const back = await world.run(arriving);
    collect(back);
    await world.run(link.send("by the homes"));
    assert(back.path.why.includes(urls[2]!), back.path.why);
    world.cut(urls[0]!, urls[2]!);
    await world.pass(100);
    await world.run(link.send("by the standby"));
    assert(back.path.why.includes(urls[3]!), back.path.why);
    await world.end();
  });
});

describe("a node's doubt about what is under way", () => {
  it("has it sent again by both sessions, since the fault may be in either", async () => {
    const { world, urls, a, b } = await scene([1, 0, 2, 3]);
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    await world.run(link.opened);
    const texts = collect(await world.run(arriving));
    await world.run(link.send("first"));
    await world.pass(1_000);
    world.blackhole(urls[1]!); // the home of the one that sends; nothing there can tell
    const sent = link.send("second");
    await world.pass(50);
    for (const [, node] of world.stations.get(urls[0]!)!.lines) {
      node.send(encodeNotice(Reason.inDoubt, peerIdBytes(b.id)));
    }
    await world.run(sent, 200);
    assert.deepEqual(texts, ["first", "second"]);
    await world.end();
  });
});
