import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { Presence } from "../../src/mesh/presence.ts";
import { deltas } from "../../src/mesh/presence_frames.ts";
import { announced } from "../../src/mesh/presence_judge.ts";
import { OriginTable } from "../../src/mesh/presence_table.ts";
import type { Announced, PresenceEffect, TopicVerdicts } from "../../src/mesh/presence_types.ts";
import { TopicIndex } from "../../src/mesh/topic_index.ts";
import { decode, encode } from "../../src/wire/cbor.ts";
import { decodeControl, encodePresence } from "../../src/wire/frames.ts";
import { MAX_CONTROL } from "../../src/wire/limits.ts";
import type { Digest, PresenceDelta } from "../../src/wire/mesh_protocol.ts";
import type { Announcement } from "../../src/wire/protocol.ts";
import {
  keyNumber,
  NETWORK,
  nodeId,
  peerId,
  peerKey,
  recordOf,
  signed,
  START,
  verdictOn,
} from "./presence_world.ts";

const topicKey = (number: number) => keyNumber(0x77, number);
const TEA = announcementOf(1, 1).topic;

/** Not signed: what a verification would say stands in its last element. */
function announcementOf(topic: number, peer: number, expires = START + 300_000, says = "genuine"): Announced {
  const bytes = encode([topicKey(topic), peerKey(peer), START, expires, says]);
  return announced(
    { topic: topicKey(topic), peer: peerKey(peer), issued: START, expires, network: NETWORK },
    bytes,
    expires,
  );
}

type TopicVerdict = TopicVerdicts extends ReadonlyMap<Uint8Array, infer V> ? V : never;

function verdictsOn(announcements: Uint8Array[], now: number): TopicVerdicts {
  return new Map(announcements.map((bytes): [Uint8Array, TopicVerdict] => {
    const [topic, peer, issued, expires, says] = decode(bytes) as [
      Uint8Array,
      Uint8Array,
      number,
      number,
      string,
    ];
    if (says !== "genuine") return [bytes, { error: says as "bad-signature" }];
    if (expires <= now) return [bytes, { error: "expired" }];
    const announcement: Announcement = { topic, peer, issued, expires, network: NETWORK };
    return [bytes, { announcement }];
  }));
}

/** Nodes that pass frames to each other at once. */
class Nodes {
  now = START;
  readonly all: Presence[];
  readonly changes: string[][];
  readonly blames: string[] = [];

  constructor(count: number) {
    this.all = Array.from(
      { length: count },
      (_, i) => new Presence({ node: nodeId(i), epoch: START, network: NETWORK }),
    );
    this.changes = this.all.map(() => []);
  }

  connect(a: number, b: number): void {
    this.perform(a, this.all[a]!.connected(nodeId(b), this.now));
    this.perform(b, this.all[b]!.connected(nodeId(a), this.now));
  }

  /** The peer is at the node under a record that names these nodes. */
  here(node: number, peer: number, nodes = [node], sequence = 0): void {
    const record = recordOf(peer, nodes, { sequence });
    this.perform(node, this.all[node]!.here(record, signed(record), this.now).effects);
  }

  announce(node: number, peer: number, ...topics: Announced[]): void {
    this.perform(node, this.all[node]!.announce(peerId(peer), topics, this.now));
  }

  perform(node: number, effects: PresenceEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "blame") this.blames.push(effect.why);
      if (effect.type === "member") {
        const { present, peer } = effect.change;
        this.changes[node]!.push(`${present ? "+" : "-"}${peer}`);
      }
      if (effect.type !== "send") continue;
      for (const to of effect.to) {
        this.receive(this.all.findIndex((each) => each.node === to), node, effect.frame);
      }
    }
  }

  receive(node: number, from: number, frame: PresenceDelta | Digest): void {
    const presence = this.all[node]!;
    if (frame.kind === "digest") return this.perform(node, presence.answer(frame, nodeId(from), this.now));
    const records = new Map(
      presence.unverified(frame, this.now).map((bytes) => [bytes, verdictOn(bytes, this.now)]),
    );
    const topics = verdictsOn(presence.unverifiedTopics(frame, this.now), this.now);
    this.perform(node, presence.apply(frame, nodeId(from), this.now, records, topics));
  }

  members(node: number): PeerId[] {
    return [...this.all[node]!.members(TEA)];
  }

  tick(milliseconds: number): void {
    for (let i = 0; i < milliseconds; i += 1_000) {
      this.now += 1_000;
      this.all.forEach((each, i) => this.perform(i, each.tick(this.now)));
    }
  }
}

function three(): Nodes {
  const nodes = new Nodes(3);
  nodes.connect(0, 1);
  nodes.connect(1, 2);
  return nodes;
}

describe("announcements among nodes", () => {
  it("are known at every node at once, and to one that joins later", () => {
    const nodes = new Nodes(3);
    nodes.connect(0, 1);
    nodes.here(0, 1);
    nodes.announce(0, 1, announcementOf(1, 1), announcementOf(2, 1));
    assert.deepEqual(nodes.members(1), [peerId(1)]);
    nodes.connect(1, 2);
    assert.deepEqual(nodes.members(2), [peerId(1)]);
  });

  it("stay when the record is renewed, and go when they are withdrawn or the session ends", () => {
    const nodes = three();
    nodes.here(0, 1);
    nodes.announce(0, 1, announcementOf(1, 1));
    nodes.here(0, 1, [0], 1);
    assert.deepEqual(nodes.members(2), [peerId(1)]);
    nodes.announce(0, 1);
    assert.deepEqual(nodes.members(2), []);
    nodes.announce(0, 1, announcementOf(1, 1));
    nodes.perform(0, nodes.all[0]!.gone(peerId(1), nodes.now));
    assert.deepEqual(nodes.members(2), []);
    assert.deepEqual(nodes.changes[2], ["+", "-", "+", "-"].map((sign) => sign + peerId(1)));
  });

  it("of a peer at two nodes hold as long as one of the two lists it", () => {
    const nodes = three();
    for (const node of [0, 1]) {
      nodes.here(node, 1, [0, 1]);
      nodes.announce(node, 1, announcementOf(1, 1));
    }
    nodes.perform(2, nodes.all[2]!.forget(nodeId(0), nodes.now));
    assert.deepEqual(nodes.members(2), [peerId(1)]);
    nodes.perform(2, nodes.all[2]!.forget(nodeId(1), nodes.now));
    assert.deepEqual(nodes.members(2), []);
    assert.deepEqual(nodes.changes[2], [`+${peerId(1)}`, `-${peerId(1)}`]);
  });

  it("end when they expire, each by itself, while the record goes on", () => {
    const nodes = three();
    nodes.here(0, 1);
    nodes.announce(0, 1, announcementOf(1, 1, START + 5_000), announcementOf(2, 1));
    nodes.tick(6_000);
    assert.deepEqual(nodes.members(2), []);
    assert.equal(nodes.all[2]!.members(announcementOf(2, 1).topic).size, 1);
    assert(nodes.all[2]!.find(peerId(1)));
  });

  for (
    const [why, bad] of [
      ["bad-signature", announcementOf(1, 1, undefined, "bad-signature")],
      ["wrong-peer", announcementOf(1, 2)],
      ["wrong-network", announcementOf(1, 1, undefined, "wrong-network")],
    ] as const
  ) {
    it(`that are ${why} never enter nor are passed on, and whoever told them is blamed`, () => {
      const nodes = three();
      nodes.here(0, 1);
      nodes.announce(0, 1, announcementOf(1, 1), bad); // this node lies
      assert.deepEqual([nodes.members(1), nodes.members(2)], [[], []]);
      assert(nodes.blames.every((blame) => blame === why) && nodes.blames.length > 0);
      assert((nodes.all[1]!.refusals.get(why) ?? 0) > 0);
      assert.equal(nodes.all[2]!.refusals.get(why), undefined);
    });
  }

  it("that are merely late are left out, and the others taken and passed on", () => {
    const nodes = three();
    nodes.here(0, 1);
    nodes.announce(0, 1, announcementOf(2, 1, START), announcementOf(1, 1));
    assert.deepEqual(nodes.members(2), [peerId(1)]);
    assert.equal(nodes.all[2]!.members(announcementOf(2, 1).topic).size, 0);
    assert.deepEqual(nodes.blames, []);
    assert.equal(nodes.all[2]!.refusals.get("expired"), undefined);
  });

  it("go into frames that can be read, however many there are", () => {
    const table = new OriginTable(nodeId(0), START, START);
    for (let peer = 0; peer < 600; peer++) {
      const record = recordOf(peer, [0]);
      const topics = Array.from({ length: peer % 17 }, (_, i) => announcementOf(i, peer));
      table.list(
        peerId(peer),
        ++table.version,
        { record, signed: signed(record), until: record.expires },
        topics,
      );
    }
    const frames = [...deltas(table, 0, START)];
    const bytes = frames.map((frame) => encodePresence(frame));
    assert(bytes.every(({ length }) => length <= MAX_CONTROL));
    assert.deepEqual(bytes.map((each) => decodeControl(each)), frames);
    assert.equal(frames.flatMap(({ entries }) => entries).length, 600);
  });
});

it("an index of topics tells exactly the differences", () => {
  const topics = fc.uniqueArray(fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), topics)), (steps) => {
      const index = new TopicIndex();
      const told = new Set<string>();
      const expected = new Map<number, number[]>();
      for (const [peer, topics] of steps) {
        expected.set(peer, topics);
        const ids = new Set(topics.map((topic) => announcementOf(topic, peer).topic));
        for (const { topic, peer: id, present } of index.settle(peerId(peer), ids)) {
          const pair = `${topic} ${id}`;
          assert.equal(told.has(pair), !present);
          if (present) told.add(pair);
          else told.delete(pair);
        }
      }
      const pairs = [...expected].flatMap(([peer, topics]) =>
        topics.map((topic) => `${announcementOf(topic, peer).topic} ${peerId(peer)}`)
      );
      assert.deepEqual([...told].sort(), pairs.sort());
    }),
  );
});
