import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Peer } from "../../src/peer/peer.ts";
import type { Topic } from "../../src/peer/topic.ts";
import { FABRICS, VirtualWorld } from "./virtual_world.ts";

let world: VirtualWorld;
let urls: string[];

const at = (...nodes: number[]): Promise<Peer> =>
  world.open({ nodes: nodes.map((i) => urls[i]!), learn: false }); // where exactly a peer is matters here
const join = (peer: Peer, name = "tea", secret?: string): Promise<Topic> =>
  world.run(peer.join(secret === undefined ? name : { name, secret }));
const present = (topic: Topic): string[] => [...topic.members].sort();
const others = (peers: Peer[], self: Peer): string[] =>
  peers.filter((p) => p !== self).map(({ id }) => id).sort();

/** What a topic tells of its members. */
function listen(topic: Topic): string[] {
  const told: string[] = [];
  for (const news of ["join", "leave"] as const) {
    topic.addEventListener(news, ({ peer }) => told.push(`${news} ${peer}`));
  }
  return told;
}

/** The messages of a topic as they come. */
function read(topic: Topic): string[] {
  const texts: string[] = [];
  void (async () => {
    for await (const message of topic) texts.push(`${message.from}: ${message.text()}`);
  })();
  return texts;
}

describe("a topic at one node", () => {
  beforeEach(async () => {
    world = new VirtualWorld();
    urls = [await world.start("ws://127.0.0.1", { limits: { topics: 2 } })];
  });
  afterEach(() => world.end());

  it("shows who is there, who comes and who leaves", async () => {
    const [a, b, c] = [await at(0), await at(0), await at(0)];
    const [ofA, ofB] = [await join(a), await join(b)];
    await world.pass(20);
    assert.deepEqual([present(ofA), present(ofB)], [[b.id], [a.id]]);
    const told = listen(ofA);
    const ofC = await join(c);
    await world.run(ofB.leave());
    await world.run(c.close());
    await world.pass(20);
    assert.deepEqual(told, [`join ${c.id}`, `leave ${b.id}`, `leave ${c.id}`]);
    assert.equal(ofA.size, 1);
    assert.equal((await ofC[Symbol.asyncIterator]().next()).done, true);
  });

  it("brings a broadcast to each member once and in order, and tells what became of it", async () => {
    const peers = [await at(0), await at(0), await at(0)];
    const topics: Topic[] = [];
    for (const peer of peers) topics.push(await join(peer));
    await world.pass(20);
    const texts = topics.map(read);
    const sent = await world.run(Promise.all([1, 2, 3].map((i) => topics[0]!.broadcast(`m${i}`))));
    for (const broadcast of sent) {
      assert.deepEqual([...broadcast.keys()].sort(), others(peers, peers[0]!));
      assert([...broadcast.values()].every((result) => "times" in result));
    }
    const expected = [1, 2, 3].map((i) => `${peers[0]!.id}: m${i}`);
    await world.pass(20);
    assert.deepEqual(texts, [[], expected, expected]);
  });

  it("does not disturb a link: what is said there does not come here, nor the other way", async () => {
    const [a, b] = [await at(0), await at(0)];
    const said: string[] = [];
    b.addEventListener("link", async ({ link }) => {
      for await (const message of link) said.push(message.text());
    });
    const [ofA, ofB] = [await join(a), await join(b)];
    await world.pass(20);
    const texts = read(ofB);
    const link = await world.run(a.dial(b.id));
    await world.run(link.send("to you"));
    await world.run(ofA.broadcast("to all"));
    await world.pass(20);
    assert.deepEqual([said, texts], [["to you"], [`${a.id}: to all`]]);
  });

  it("is another one with another secret", async () => {
    const [a, b] = [await at(0), await at(0)];
    const [open, secret] = [await join(a), await join(b, "tea", "milk first")];
    await world.pass(20);
    assert.notEqual(open.id, secret.id);
    assert.deepEqual([present(open), present(secret)], [[], []]);
  });

  it("is refused beyond what the node grants, counted, and told", async () => {
    const a = await at(0);
    await join(a, "one");
    await join(a, "two");
    await assert.rejects(join(a, "three"), { code: "over-quota" });
    await assert.rejects(join(a, "two"), TypeError);
    const text = world.node().metricsText();
    assert.match(text, /waymeet_announcements_refused_total\{reason="over-quota"\} 1\n/);
    assert.match(text, /waymeet_announcements 2\n/);
  });

  it("is joined again by itself when the node was restarted, and nobody seems to leave", async () => {
    const reconnect = { min: 100, max: 200 };
    const [a, b] = [await world.open({ reconnect }), await world.open({ reconnect })];
    const [ofA, ofB] = [await join(a), await join(b)];
    await world.pass(20);
    const told = [listen(ofA), listen(ofB)];
    world.kill();
    await world.pass(500);
    world.restart();
    await world.pass(5_000);
    assert.deepEqual(told, [[], []]);
    assert.deepEqual([present(ofA), present(ofB)], [[b.id], [a.id]]);
  });

  it("is renewed before it expires", async () => {
    const [a, b] = [await at(0), await at(0)];
    const ofA = await join(a);
    await join(b);
    const told = listen(ofA);
    for (let minutes = 0; minutes < 12; minutes++) {
      for (let i = 0; i < 6; i++) await world.clock.advance(10_000);
      await world.pass(30); // signatures take real time
    }
    assert.deepEqual([present(ofA), told], [[b.id], []]);
  });

  it("leaves nothing behind when its members have gone", async () => {
    const [a, b] = [await at(0), await at(0)];
    const [ofA] = [await join(a), await join(b)];
    await world.pass(20);
    await world.run(ofA.broadcast("hello"));
    await world.run(ofA.leave());
    await world.pass(100);
    assert.deepEqual([a.links.size, b.links.size], [0, 0]);
    await world.run(b.close());
    await world.pass(20);
    assert.match(world.node().metricsText(), /waymeet_announcements 0\n/);
  });
});

for (const fabric of FABRICS) {
  describe(`a topic across three nodes that ${fabric} joins`, () => {
    let peers: Peer[];
    let topics: Topic[];
    beforeEach(async () => {
      world = new VirtualWorld({ fabric });
      urls = await world.startMesh(3);
      [peers, topics] = [[], []];
      for (let i = 0; i < 12; i++) {
        peers.push(await at(i % 3, (i + 1) % 3));
        topics.push(await join(peers[i]!));
      }
      await world.pass(500);
    });
    afterEach(() => world.end());

    const complete = (from = peers): void => {
      for (const peer of from) assert.deepEqual(present(topics[peers.indexOf(peer)]!), others(from, peer));
    };

    it("shows twelve members each other, and who leaves within a second", async () => {
      complete();
      const gone = peers[5]!;
      await world.run(gone.close());
      await world.pass(1_000);
      complete(peers.filter((peer) => peer !== gone));
    });

    it("has nobody leave when a node is killed under members with a standby, and messages go on", async () => {
      const told = topics.map(listen);
      const texts = topics.map(read);
      world.kill(urls[1]);
      await world.pass(20_000);
      assert.deepEqual(told.flat(), []);
      const sent = await world.run(topics[1]!.broadcast("still here"));
      assert([...sent.values()].every((result) => "times" in result));
      await world.pass(500);
      assert.equal(texts.filter((lines) => lines.includes(`${peers[1]!.id}: still here`)).length, 11);
    });
  });

  describe(`a topic of two nodes that ${fabric} joins`, () => {
    beforeEach(async () => {
      world = new VirtualWorld({ fabric });
      urls = await world.startMesh(2);
    });
    afterEach(() => world.end());

    it("comes apart in a partition and together after it", async () => {
      const [a, b] = [await at(0), await at(1)];
      const [ofA, ofB] = [await join(a), await join(b)];
      await world.pass(500);
      assert.deepEqual([present(ofA), present(ofB)], [[b.id], [a.id]]);
      const before = world.passes;
      world.cut(urls[0]!, urls[1]!);
      await world.pass(20_000);
      assert.deepEqual([present(ofA), present(ofB)], [[], []]);
      world.passes = before;
      await world.pass(20_000);
      assert.deepEqual([present(ofA), present(ofB)], [[b.id], [a.id]]);
    });

    it("shows who died with its process within a second, and who died with its node when that is known", async () => {
      const [a, b, c] = [await at(0), await at(1), await at(1)];
      const [ofA] = [await join(a), await join(b), await join(c)];
      await world.pass(500);
      const told = listen(ofA);
      world.node(urls[1]).disconnect(b.id);
      await world.pass(1_000);
      assert.deepEqual(told[0], `leave ${b.id}`);
      world.kill(urls[1]);
      await world.pass(10_000);
      assert(told.includes(`leave ${c.id}`));
    });
  });
}
