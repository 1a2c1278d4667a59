/** Attempts from end to end: peers, their links, the nodes' brokers and the mesh between, on a virtual clock. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import type { Link } from "../../src/link/link.ts";
import type { Peer } from "../../src/peer/peer.ts";
import type { PeerOptions } from "../../src/peer/options.ts";
import { collect, type FabricName, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import { VirtualRtc } from "./virtual_rtc.ts";

/** Milliseconds after which every deadline of an attempt has passed. */
const ALL_DEADLINES = 3_000 + 1_000 + 1_000 + 5_000 + 1_000;

interface Meeting {
  world: VirtualWorld;
  rtc: VirtualRtc;
  urls: string[];
  /** The first peer asks first: its key is the smaller one. */
  peers: [Peer, Peer];
  links: [Link, Link];
}

let world: VirtualWorld;
let rtc: VirtualRtc;

/** Two peers at these nodes, with a link on which nothing was tried yet. */
async function meet(
  urls: string[],
  at: [number[], number[]],
  options: Partial<PeerOptions> = {},
): Promise<Meeting> {
  const open = (places: number[]) =>
    world.open({ learn: false, ...options, nodes: places.map((i) => urls[i]!) });
  const [one, other] = [await open(at[0]), await open(at[1])];
  const arriving = nextLink(other);
  const link = await world.run(one.dial(other.id, { deadline: 20_000 }));
  const back = await world.run(arriving);
  await world.run(link.opened);
  return { world, rtc, urls, peers: [one, other], links: [link, back] };
}

const outcomes = ({ peers }: Meeting) => peers.map(({ attempts }) => attempts.outcomes);
const paths = ({ links }: Meeting) => links.map(({ path }) => path.kind);

function counted(url: string, line: string): number {
  const text = world.node(url).metricsText();
  const found = text.split("\n").find((each) => each.startsWith(`waymeet_${line} `));
  return Number(found?.split(" ").at(-1) ?? 0);
}

/** Nothing of any attempt is left: at no node, and no data channel but those in use. */
function nothingLeft(urls: string[], channels = 0): void {
  for (const url of urls) {
    if (world.stations.get(url)!.node) assert.equal(counted(url, "attempts_open"), 0);
  }
  assert.equal(rtc.open.size, channels);
}

/** How an attempt of {@link meet} went, by what the broker counted. */
const ended = (urls: string[], outcome: string): number =>
  urls.reduce((sum, url) => sum + counted(url, `attempts_total{outcome="${outcome}"}`), 0);

function begin(fabric: FabricName = "gossip"): void {
  world = new VirtualWorld({ fabric });
  rtc = world.rtc = new VirtualRtc(world.clock);
}

/** Lets time pass, a little at a time: what takes real time, a signature, gets some of it. */
async function leap(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    await world.clock.advance(20);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("an attempt through the nodes", () => {
  beforeEach(() => begin());
  afterEach(async () => {
    await world.end();
    assert.equal(world.clock.timers, 0);
    assert.equal(rtc.open.size, 0);
  });

  it("makes the path of a link direct, at one node and at two, and both sides call it connected", async () => {
    for (const [fabric, ...at] of [["gossip", [0], [0]], ["gossip", [0], [1]], ["nats", [0], [1]]] as const) {
      begin(fabric);
      const urls = await world.startMesh(2);
      const meeting = await meet(urls, [[...at[0]], [...at[1]]]);
      await leap(3_000);
      assert.deepEqual(paths(meeting), ["direct", "direct"]);
      assert.deepEqual(outcomes(meeting), [{ connected: 1 }, { connected: 1 }]);
      assert.match(meeting.links[0].path.why, /^direct: punched in \d+ ms$/);
      assert.equal(ended(urls, "connected"), 1);
      nothingLeft(urls, 2);
      await world.end();
      begin();
    }
  });

  it("finds its way through a node between the two of its peers", async () => {
    const urls = await world.startMesh(3);
    world.cut(urls[1]!, urls[2]!);
    await leap(3_000);
    const meeting = await meet(urls, [[1], [2]]);
    await leap(4_000);
    assert.deepEqual(paths(meeting), ["direct", "direct"]);
    assert.deepEqual(outcomes(meeting), [{ connected: 1 }, { connected: 1 }]);
    nothingLeft(urls, 2);
  });

  it("ends no-candidate-pair on both sides when none works, and the reason tells", async () => {
    const urls = await world.startMesh(2);
    rtc.reachable = false;
    const meeting = await meet(urls, [[0], [1]]);
    await leap(ALL_DEADLINES);
    assert.deepEqual(outcomes(meeting), [{ "no-candidate-pair": 1 }, { "no-candidate-pair": 1 }]);
    assert.deepEqual(paths(meeting), ["relay", "relay"]);
    const whys = meeting.links.map(({ path }) => path.why);
    assert.ok(
      whys.some((why) =>
        /^relay: attempt 1 ended no-candidate-pair after 5(\.\d)? s; next try in \d\d s/.test(why)
      ),
      whys.join("\n"),
    );
    assert.equal(ended(urls, "no-candidate-pair"), 1);
    nothingLeft(urls);
  });

  it("ends refused when the other one's policy says so, and no address was told", async () => {
    const urls = await world.startMesh(2);
    const asked: string[] = [];
    const open = (i: number, direct: boolean) =>
      world.open({ nodes: [urls[i]!], paths: { direct: (peer) => asked.push(peer) > 0 && direct } });
    const [one, other] = [await open(0, true), await open(1, false)];
    const arriving = nextLink(other);
    const link = await world.run(one.dial(other.id));
    await world.run(arriving);
    await leap(ALL_DEADLINES);
    assert.deepEqual(one.attempts, { outcomes: { refused: 1 }, unconfirmed: 0 });
    assert.deepEqual(other.attempts, { outcomes: {}, unconfirmed: 0 });
    assert.match(link.path.why, /^relay: attempt 1 ended refused after \d+ ms; next try in \d\d s/);
    assert.ok(asked.includes(one.id) && asked.includes(other.id));
    assert.ok(rtc.ends.length <= 1, "the one that refuses makes no end");
    nothingLeft(urls);
  });

  it("ends on both sides by their own deadlines when the asker's node dies, and both count it", async () => {
    const urls = await world.startMesh(2);
    rtc.reachable = false;
    const meeting = await meet(urls, [[0], [1]]);
    const broker = await brokerOf(urls);
    world.kill(broker);
    await leap(ALL_DEADLINES);
    for (const { attempts } of meeting.peers) {
      assert.deepEqual(attempts, { outcomes: { "timed-out": 1 }, unconfirmed: 1 });
    }
    assert.ok(
      meeting.links.some(({ path }) =>
        /attempt 1 ended timed-out after \d+(\.\d)? s \(its node said nothing more\)/.test(path.why)
      ),
      meeting.links.map(({ path }) => path.why).join("\n"),
    );
    nothingLeft(urls);
  });

  it("gives up a path that works when no verdict comes, and nothing is lost for it", async () => {
    const urls = await world.startMesh(3);
    rtc.opens = 200;
    const meeting = await meet(urls, [[0, 2], [1, 2]]);
    const heard = collect(meeting.links[1]);
    const broker = await brokerOf(urls);
    world.kill(broker);
    for (let i = 0; i < 20; i++) {
      await world.run(meeting.links[0].send(`${i}`));
      await leap(500);
    }
    assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => `${i}`));
    for (const { attempts } of meeting.peers) assert.equal(attempts.outcomes["timed-out"], 1);
  });

  it("ends peer-gone, or timed-out for the one without a node, when the asked one's node dies", async () => {
    const urls = await world.startMesh(2);
    rtc.reachable = false;
    const meeting = await meet(urls, [[0], [1]]);
    const broker = await brokerOf(urls);
    const asker = urls.indexOf(broker);
    world.kill(urls[1 - asker]!);
    await leap(ALL_DEADLINES);
    const [askers, askeds] = [meeting.peers[asker]!.attempts, meeting.peers[1 - asker]!.attempts];
    assert.equal(askers.unconfirmed, 0);
    assert.equal(Object.values(askers.outcomes)[0], 1);
    assert.match(Object.keys(askers.outcomes)[0]!, /^(peer-gone|no-candidate-pair)$/);
    assert.deepEqual(askeds, { outcomes: { "timed-out": 1 }, unconfirmed: 1 });
    nothingLeft(urls);
  });

  it("ends peer-gone when the other one leaves for good, or cancelled when its link is closed first", async () => {
    const urls = await world.startMesh(2);
    rtc.reachable = false;
    const meeting = await meet(urls, [[0], [1]]);
    const asker = urls.indexOf(await brokerOf(urls));
    await world.run(meeting.peers[1 - asker]!.close());
    await leap(ALL_DEADLINES);
    const [outcome] = Object.keys(meeting.peers[asker]!.attempts.outcomes);
    assert.ok(["peer-gone", "cancelled"].includes(outcome!), outcome);
    assert.equal(ended(urls, outcome!), 1);
    nothingLeft(urls);
  });

  it("is one when both ask at once, and has one outcome", async () => {
    for (const [reachable, outcome] of [[true, "connected"], [false, "no-candidate-pair"]] as const) {
      const urls = await world.startMesh(2);
      const meeting = await meet(urls, [[0], [1]]);
      await leap(3_000);
      rtc.reachable = reachable;
      rtc.lines[0]!.break(); // both notice at once, and ask again after the same time
      await leap(ALL_DEADLINES);
      const all = reachable ? { connected: 2 } : { connected: 1, [outcome]: 1 };
      assert.deepEqual(outcomes(meeting), [all, all]);
      assert.equal(ended(urls, outcome), reachable ? 2 : 1);
      assert.equal(urls.reduce((sum, url) => sum + counted(url, "attempts_superseded_total"), 0), 1);
      nothingLeft(urls, reachable ? 2 : 0);
      if (!reachable) return;
      await world.end();
      begin();
    }
  });

  it("is denied to who asks too often, with the time to wait, and counted", async () => {
    const limits = { pairAttemptBurst: 1, pairAttemptsPerMinute: 1 };
    const url = await world.start("ws://127.0.0.1", { limits });
    const meeting = await meet([url], [[0], [0]]);
    await leap(3_000);
    rtc.lines[0]!.break();
    await leap(5_000);
    const denied = meeting.peers.map(({ attempts }) => attempts.outcomes["rate-limited"] ?? 0);
    assert.ok(denied[0]! + denied[1]! >= 1, JSON.stringify(outcomes(meeting)));
    assert.equal(counted(url, 'attempts_denied_total{reason="rate-limited"}'), denied[0]! + denied[1]!);
    const whys = meeting.links.map(({ path }) => path.why);
    const told = whys.find((why) => /^relay: attempt \d denied: rate-limited; next try in \d\d s/.test(why));
    assert.ok(told, whys.join("\n"));
    // Both ask again at once. One is denied, and takes the other's invite all the same.
    await leap(62_000 + ALL_DEADLINES);
    const [one, other] = outcomes(meeting).map((each) => ({ ...each, "rate-limited": 0 }));
    assert.deepEqual(one, other); // who is denied has no attempt, all else both had
    assert.equal("unanswered" in one!, false);
    assert.deepEqual(meeting.links.map(({ path }) => path.kind), ["direct", "direct"]);
  });
});

describe("whatever dies, or is cut off, while an attempt is under way", () => {
  it("each side ends it once, by its deadline, both alike but who lost the broker; nothing is left or lost", async () => {
    const plan = fc.record({
      reachable: fc.boolean(),
      opens: fc.nat(6_000),
      // One thing goes wrong with the nodes at most: with two there may be no way left.
      trouble: fc.option(fc.oneof(
        fc.record({ kind: fc.constant("death" as const), node: fc.nat(2), after: fc.nat(6_000) }),
        fc.record({ kind: fc.constant("cut" as const), silently: fc.boolean(), after: fc.nat(6_000) }),
      )),
      breaks: fc.option(fc.nat(6_000)),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ reachable, opens, trouble, breaks }) => {
        begin();
        Object.assign(rtc, { reachable, opens });
        const urls = await world.startMesh(3);
        // Each peer has a second node, the same one: messages find a way whatever one node does.
        const meeting = await meet(urls, [[0, 2], [1, 2]]);
        const heard = collect(meeting.links[1]);
        if (trouble) {
          world.clock.after(trouble.after, () => {
            if (trouble.kind === "death") world.kill(urls[trouble.node]!);
            else world.cut(urls[0]!, urls[1]!, trouble.silently);
          });
        }
        if (breaks !== null) world.clock.after(breaks, () => rtc.lines[0]?.break());
        const sending = Array.from({ length: 10 }, async (_, i) => {
          await new Promise<void>((resolve) => void world.clock.after(600 * i, resolve));
          await meeting.links[0].send(`${i}`);
        });
        await leap(2_000 + ALL_DEADLINES);
        await world.run(Promise.all(sending));
        assert.deepEqual(heard, Array.from({ length: 10 }, (_, i) => `${i}`));
        const [one, other] = meeting.peers.map(({ attempts }) => attempts);
        if (breaks === null && trouble?.kind !== "death") {
          const confirmed = [one!, other!].every(({ unconfirmed }) => unconfirmed === 0);
          if (confirmed) assert.deepEqual(one, other);
          else assert.notEqual(trouble, null);
        }
        if (!reachable) assert.ok([one!, other!].every(({ outcomes }) => !outcomes.connected));
        const channels = paths(meeting).filter((kind) => kind === "direct").length;
        assert.ok(rtc.open.size <= Math.max(2, channels), `${rtc.open.size} channels`);
        await world.end();
        assert.equal(world.clock.timers, 0);
        assert.equal(rtc.open.size, 0);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });
});

/** Waits until an attempt is under way and both sides try; the node that brokers it. */
async function brokerOf(urls: string[]): Promise<string> {
  for (let i = 0; i < 5_000; i++) {
    const broker = urls.find((url) => counted(url, "attempts_open") === 1);
    if (broker !== undefined && rtc.open.size === 2) {
      await world.pass(50);
      return broker;
    }
    await world.pass(1);
  }
  throw new Error("nobody tries");
}
