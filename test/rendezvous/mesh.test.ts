import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { Peer } from "../../src/peer/peer.ts";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { frameEnd } from "../../src/wire/sequence.ts";
import { collect, FABRICS, nextLink, VirtualWorld } from "../peer/virtual_world.ts";

let world: VirtualWorld;
let urls: string[];
const status = (i: number): MeshStatus => world.node(urls[i]).meshStatus()!;
const neighbours = (i: number): number => status(i).members.filter(({ session }) => session).length;
const openAt = (i: number): Promise<Peer> => world.open({ nodes: [urls[i]!], learn: false });

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

  for (const silently of [false, true]) {
    it(`carry traffic around a session that is cut${silently ? " silently" : ""}, within a second`, async () => {
      const [a, b] = [await openAt(0), await openAt(1)];
      await world.pass(100);
      const gap = await traffic(a, b, 100, async () => {
        await world.pass(300);
        world.cut(urls[0]!, urls[1]!, silently);
      });
      assert(gap <= 1_000, `a gap of ${gap} ms`);
      assert(status(2).forwarded.framesOut > 10);
    });
  }
});

for (const fabric of FABRICS) {
  describe(`three nodes that ${fabric} joins`, () => {
    beforeEach(async () => {
      world = new VirtualWorld({ fabric });
      urls = await world.startMesh(3);
    });
    afterEach(() => world.end());

    const alive = (i: number) => status(i).members.filter(({ state }) => state === "alive");
    const failover = async (trouble: () => void) => {
      const [home, standby] = urls as [string, string];
      const [a, b] = [
        await world.open({ nodes: [home, standby] }),
        await world.open({ nodes: [home, standby] }),
      ];
      await world.pass(200);
      return await traffic(a, b, 150, async () => {
        await world.pass(400);
        trouble();
      });
    };

    it("let peers at different nodes find each other and talk, each message once", async () => {
      const [a, b] = [await openAt(0), await openAt(1)];
      await world.pass(100);
      await traffic(a, b, 50, () => Promise.resolve());
      assert(status(0).forwarded.framesOut > 50);
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

    it("goes on through the standby within a second when home is killed, nothing lost or doubled", async () => {
      const gap = await failover(() => world.kill(urls[0]));
      assert(gap < 1_000, `a gap of ${gap} ms`);
    });

    it("goes on through the standby within three seconds when home falls silent", async () => {
      const gap = await failover(() => {
        world.blackhole(urls[0]!);
        world.passes = (from, to) => from !== urls[0] && to !== urls[0];
      });
      assert(gap < 3_000, `a gap of ${gap} ms`);
    });

    it("finds a peer that moved at its new place", async () => {
      const a = await openAt(0);
      const b = await world.open({ nodes: [urls[1]!, urls[2]!] });
      await world.pass(200);
      world.kill(urls[1]);
      await world.pass(1_000);
      const link = await world.run(a.dial(b.id));
      await world.run(link.send("at the new place"), 2_000);
    });

    it("replaces an older process of a peer by a newer one at another node", async () => {
      const identity = await generateIdentity();
      await world.open({ nodes: [urls[0]!], key: identity, learn: false });
      await world.pass(200);
      await world.open({ nodes: [urls[1]!], key: identity, learn: false });
      await world.pass(200);
      assert.equal(world.node(urls[0]).sessions, 0);
      assert.equal(world.node(urls[1]).sessions, 1);
      await world.pass(40_000);
      assert.equal(world.node(urls[0]).sessions, 0, "it stays away");
    });

    it("joins again within five seconds after it was parted", async () => {
      const [a, b] = [await openAt(0), await openAt(2)];
      const whole = world.passes;
      world.cut(urls[0]!, urls[2]!, true);
      world.cut(urls[1]!, urls[2]!, true);
      await world.pass(30_000);
      assert.deepEqual(status(2).members.filter(({ state }) => state === "alive"), []);
      world.passes = whole;
      await world.pass(5_000);
      for (const i of [0, 1, 2]) {
        assert.deepEqual(alive(i).length, 2);
        assert.equal(status(i).presence.peers, 2);
      }
      const link = await world.run(a.dial(b.id));
      await world.run(link.send("together again"), 2_000);
    });

    it("tells the others when it leaves", async () => {
      await world.run(world.node(urls[2]).drain(1_000));
      await world.pass(50);
      assert.deepEqual(alive(0).map(({ urls: [url] }) => url), [`${urls[1]}/`]);
    });
  });
}

describe("a mesh of odd beginnings", () => {
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = await world.startMesh(3);
  });
  afterEach(() => world.end());

  it("keeps one session of a pair that dialled at the same time", async () => {
    const [one, other] = ["ws://127.0.1.1", "ws://127.0.1.2"] as const;
    const mesh = (url: string, join: string) => ({
      mesh: { token: "another long token", join: [join], urls: [url] },
    });
    await world.start(one, mesh(one, other));
    await world.start(other, mesh(other, one));
    await world.pass(3_000);
    const sessionsOf = (url: string) => world.node(url).meshStatus()!.members.map(({ session }) => session);
    const [mine, yours] = [sessionsOf(one), sessionsOf(other)];
    assert.deepEqual([mine.length, yours.length], [1, 1]);
    assert.equal(mine[0]!.dialledHere, !yours[0]!.dialledHere);
  });

  it("forgets its own URL when it finds itself there", async () => {
    const url = "ws://127.0.2.1";
    await world.start(url, {
      mesh: { token: "a token of this network", join: [url, urls[0]!], urls: [url] },
    });
    await world.pass(3_000);
    const before = [...world.stations.get(url)!.lines].length;
    await world.pass(60_000);
    assert.equal([...world.stations.get(url)!.lines].length, before);
    assert.equal(world.node(url).meshStatus()!.members.length, 3);
  });
});

describe("the pages of a node in a mesh", () => {
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = await world.startMesh(2, { target: 4 });
  });
  afterEach(() => world.end());

  it("show the mesh only where the numbers are public", async () => {
    const hidden = await world.node(urls[0]).app.request("/v1/mesh");
    assert.equal(hidden.status, 403);
    await world.start("ws://127.0.4.1", { publicMetrics: true });
    assert.equal((await world.node("ws://127.0.4.1").app.request("/v1/mesh")).status, 404);
    const mesh = { token: "a token of this network", join: [urls[0]!] };
    await world.start("ws://127.0.4.2", { publicMetrics: true, mesh });
    await world.pass(2_000);
    const response = await world.node("ws://127.0.4.2").app.request("/v1/mesh");
    const shown = await response.json() as MeshStatus;
    assert.deepEqual(shown.members.map(({ state }) => state), ["alive", "alive"]);
    assert(shown.members.every(({ session, route }) => route?.hops === 1 && session!.rtt === 10));
  });

  it("count members, sessions and frames for Prometheus", () => {
    const text = world.node(urls[0]).metricsText();
    assert.match(text, /^waymeet_mesh_members\{state="alive"\} 1$/m);
    assert.match(text, /^waymeet_mesh_sessions 1$/m);
    assert.match(text, /^waymeet_mesh_presence_peers 0$/m);
  });

  it("tell peers where the other nodes are", async () => {
    const peer = await world.open({ nodes: [urls[0]!], learn: false });
    await world.pass(50);
    assert.deepEqual(peer.nodes.map(({ url }) => url), [urls[0]]);
    const line = [...world.stations.get(urls[0]!)!.lines].at(-1)!;
    const welcome = line[1].sent.map((sent) => decodeControl(firstOf(sent as Uint8Array)))
      .find((frame) => frame?.kind === "welcome");
    assert(welcome?.kind === "welcome");
    assert.deepEqual(welcome.body.nodes, [`${urls[1]}/`]);
  });
});

function firstOf(message: Uint8Array): Uint8Array {
  return message.subarray(0, frameEnd(message, 0));
}
