import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { identityFromSeed } from "../../src/identity/identity.ts";
import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import { TopicIndex } from "../../src/mesh/topic_index.ts";
import { NodeMetrics } from "../../src/rendezvous/metrics.ts";
import { nodeLimits } from "../../src/rendezvous/node_limits.ts";
import type { Seat } from "../../src/rendezvous/registry.ts";
import { Topics } from "../../src/rendezvous/topics.ts";
import { signAnnouncement, topicKey } from "../../src/wire/announcement.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { type Control, Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

const tea = await topicKey("main", "tea", "");
const CROWD = 300;

/** A peer at the node, and what it was told. */
interface Member {
  seat: Seat;
  told: Control[];
  buffered: number;
  announcement: Uint8Array;
}

let clock: VirtualClock;
let metrics: NodeMetrics;
let topics: Topics;
let index: TopicIndex;

async function member(number: number, changes: { expires?: number } = {}): Promise<Member> {
  const seed = new Uint8Array(32).fill(1);
  new DataView(seed.buffer).setUint32(0, number);
  const identity = await identityFromSeed(seed);
  const issued = clock.wall();
  const fields = { issued, expires: issued + 300_000, network: "main", ...changes };
  const announcement = await signAnnouncement(tea.identity, identity, fields);
  const one = { told: [] as Control[], buffered: 0, announcement, seat: undefined as unknown as Seat };
  const session = {
    remote: identity.id,
    get buffered() {
      return one.buffered;
    },
    send: (frame: Uint8Array) => one.told.push(decodeControl(frame)!),
  };
  one.seat = { key: identity.publicKey, live: true, session } as unknown as Seat;
  return one;
}

const join = ({ seat, announcement }: Member, tells = true): Promise<void> =>
  topics.announce(seat, { kind: "announce", announcement, tells });

/** Whom a peer believes to be there after all that it was told. */
function shown({ told }: Member): Set<PeerId> {
  let peers = new Set<PeerId>();
  for (const frame of told) {
    if (frame.kind === "roster") peers = new Set(frame.peers.map(peerIdText));
    if (frame.kind !== "member") continue;
    const peer = peerIdText(frame.peer);
    assert.equal(peers.has(peer), !frame.present); // never the same twice
    if (frame.present) peers.add(peer);
    else peers.delete(peer);
  }
  return peers;
}

const begin = (): void => {
  clock = new VirtualClock();
  metrics = new NodeMetrics();
  index = new TopicIndex();
  topics = new Topics({
    network: "main",
    limits: nodeLimits({ announcementBurst: 3 }),
    metrics,
    clock,
    random: Math.random,
    members: (topic) => index.members(topic),
    settle: (seat, all) => {
      const ids = new Set(all.map(({ topic }) => topic));
      for (const change of index.settle(seat.session.remote, ids)) topics.changed(change);
    },
  });
};

describe("a topic of three hundred", () => {
  beforeEach(begin);
  it("shows each member 64 others, and tells no more of it than that, and who replaces those that leave", async () => {
    const crowd = await Promise.all(Array.from({ length: CROWD }, (_, i) => member(i)));
    for (const one of crowd) await join(one);
    for (const one of crowd) {
      const others = shown(one);
      assert.equal(others.size, Math.min(64, CROWD - 1));
      assert(!others.has(one.seat.session.remote));
    }
    const frames = crowd.reduce((sum, { told }) => sum + told.length, 0);
    assert(frames <= CROWD * 65, `${frames} frames for ${CROWD} members`);
    const last = crowd.at(-1)!.told[0]!;
    assert(last.kind === "roster" && last.size === CROWD && last.peers.length === 64);
    const [gone, rest] = [crowd.slice(0, 100), crowd.slice(100)];
    for (const { seat } of gone) {
      seat.live = false;
      topics.left(seat);
      for (const change of index.settle(seat.session.remote, new Set())) topics.changed(change);
    }
    const living = new Set(rest.map(({ seat }) => seat.session.remote));
    for (const one of rest) {
      const others = [...shown(one)];
      assert.equal(others.length, 64);
      assert(others.every((peer) => living.has(peer)));
    }
  });

  it("shows a random sample: two newcomers are shown different ones", async () => {
    const crowd = await Promise.all(Array.from({ length: CROWD }, (_, i) => member(i)));
    for (const one of crowd) await join(one, false);
    const [a, b] = [await member(1_000), await member(1_001)];
    await join(a);
    await join(b);
    const common = [...shown(a)].filter((peer) => shown(b).has(peer)).length;
    assert(common > 0 && common < 50, `${common} of 64 in common`);
  });
});

describe("an announcement at a node", () => {
  beforeEach(begin);
  it("too fast for the node is refused, counted and said to be", async () => {
    const one = await member(1);
    for (let i = 0; i < 4; i++) await join(one);
    const last = one.told.at(-1)!;
    assert(last.kind === "roster" && last.reason === Reason.rateLimited);
    assert.match(exposed(), /announcements_refused_total\{reason="rate-limited"\} 1\n/);
  });

  it("of somebody else is refused, and one with a changed byte", async () => {
    const [one, other] = [await member(1), await member(2)];
    await topics.announce(one.seat, { kind: "announce", announcement: other.announcement, tells: true });
    const changed = other.announcement.slice();
    changed[changed.length - 1]! ^= 1;
    await topics.announce(other.seat, { kind: "announce", announcement: changed, tells: true });
    assert.deepEqual(
      [one, other].map(({ told }) => told.map((frame) => frame.kind === "roster" && frame.reason)),
      [
        [Reason.wrongId],
        [Reason.badSignature],
      ],
    );
    assert.equal(topics.count, 0);
  });

  it("ends when it is not renewed", async () => {
    const [one, other] = [await member(1), await member(2, { expires: clock.wall() + 30_000 })];
    await join(one);
    await join(other);
    assert.equal(shown(one).size, 1);
    for (let i = 0; i < 5; i++) await clock.advance(10_000);
    assert.deepEqual([shown(one).size, topics.count], [0, 1]);
    topics.left(one.seat);
  });

  it("is answered, for one who does not read, with all at once when it does again", async () => {
    const [one, other] = [await member(1), await member(2)];
    await join(one);
    one.buffered = Infinity;
    await join(other);
    assert.equal(shown(one).size, 0);
    one.buffered = 0;
    topics.drained(one.seat);
    assert.equal(shown(one).size, 1);
  });
});

function exposed(): string {
  const none = { sessions: 0, handshakes: 0, watches: 0, attempts: 0, announcements: 0 };
  const gauges = { ...none, pingsSent: 0, pongsMatched: 0 };
  return metrics.expose({ ...gauges, uptime: 0, version: "", id: "" }).text;
}
