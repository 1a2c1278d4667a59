import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EPOCH_AHEAD } from "../../src/mesh/presence_limits.ts";
import type { PresenceEffect } from "../../src/mesh/presence_types.ts";
import { encodePresence } from "../../src/wire/frames.ts";
import type { Digest, PresenceDelta, PresenceEntry } from "../../src/wire/mesh_protocol.ts";
import type { PeerRecord, SignedBytes } from "../../src/wire/protocol.ts";
import {
  nodeId,
  nodeKey,
  peerId,
  peerKey,
  recordOf,
  signed,
  START,
  verdictOn,
  World,
} from "./presence_world.ts";

const LIAR = 0;

/** A liar, a node that hears it, and one behind that. */
function chain(): World {
  const world = new World(3);
  world.connect(0, 1);
  world.connect(1, 2);
  world.deliver();
  return world;
}

function deltaOf(entries: PresenceEntry[], fields: Partial<PresenceDelta> = {}): PresenceDelta {
  const to = entries.at(-1)?.version ?? 0;
  return { kind: "presence", origin: nodeKey(9), epoch: START, from: 0, to, entries, ...fields };
}

function entryOf(version: number, peer: number, record: SignedBytes | null): PresenceEntry {
  return { version, peer: peerKey(peer), record };
}

const good = (peer: number): SignedBytes => signed(recordOf(peer, [9]));

function forged(peer: number): SignedBytes {
  const { body } = good(peer);
  return { body, signature: new Uint8Array(64).fill(1) };
}

const altered = (peer: number, fields: Partial<PeerRecord>): SignedBytes =>
  signed(recordOf(peer, [9], fields));

/** Defects of a record for peer 1 at node 9, with whether an honest neighbour could have passed it on. */
const DEFECTS: [why: string, blamed: boolean, record: SignedBytes][] = [
  ["bad-signature", true, forged(1)],
  ["malformed", true, { body: new Uint8Array(3), signature: new Uint8Array(64) }],
  ["wrong-network", true, altered(1, { network: "other" })],
  ["wrong-node", true, signed(recordOf(1, [8]))],
  ["wrong-peer", true, good(2)],
  ["too-long", true, altered(1, { expires: START + 300_001 })],
  ["expired", false, altered(1, { issued: START - 2, expires: START })],
  ["future", false, altered(1, { issued: START + 60_001, expires: START + 60_002 })],
];

describe("presence among liars", () => {
  for (const [why, blamed, record] of DEFECTS) {
    it(`a record that is ${why} never enters nor is passed on, and is counted`, () => {
      const world = chain();
      const before = world.sent.presence;
      world.receive(1, LIAR, deltaOf([entryOf(1, 1, record)]));
      assert.equal(world.nodes[1]!.find(peerId(1)), undefined);
      assert.equal(world.nodes[1]!.refusals.get(why as never), 1);
      const blames = world.effects[1]!.filter(({ type }) => type === "blame");
      assert.deepEqual(blames, blamed ? [{ type: "blame", neighbour: nodeId(LIAR), why }] : []);
      world.run(5);
      assert.equal(world.nodes[2]!.find(peerId(1)), undefined);
      assert.equal(world.sent.entries, 0);
      if (blamed) assert.equal(world.sent.presence, before);
    });
  }

  it("a frame with one forged record takes nothing with it; the truth comes from elsewhere", () => {
    const world = chain();
    world.receive(1, LIAR, deltaOf([entryOf(1, 1, good(1)), entryOf(2, 2, forged(2))]));
    assert.equal(world.nodes[1]!.count, 0);
    world.receive(1, 2, deltaOf([entryOf(1, 1, good(1)), entryOf(2, 2, good(2))]));
    assert.equal(world.nodes[1]!.count, 2);
  });

  it("an expired entry is left out of the frame that goes on", () => {
    const world = chain();
    const old = altered(1, { issued: START - 2, expires: START });
    world.receive(1, LIAR, deltaOf([entryOf(1, 1, old), entryOf(2, 2, good(2))]));
    world.deliver();
    assert.equal(world.sent.entries, 1);
    assert.deepEqual(world.nodes[2]!.at(nodeId(9)), [peerId(2)]);
  });

  it("nobody else writes for a node: at worst it goes above what was said in its name", () => {
    const world = chain();
    world.here(1, recordOf(1, [1]));
    world.deliver();
    const lie = { ...deltaOf([entryOf(5, 1, null)]), origin: nodeKey(1), from: 0, to: 5 };
    world.receive(1, LIAR, lie);
    world.deliver();
    for (const node of world.nodes) assert.deepEqual(node.find(peerId(1))?.nodes, [nodeId(1)]);
    assert.equal(world.nodes[1]!.epoch, START + 1);
  });

  it("an epoch far ahead moves neither this node nor what it knows of another", () => {
    const world = chain();
    const far = START + EPOCH_AHEAD + 1;
    world.receive(1, LIAR, { ...deltaOf([]), origin: nodeKey(1), epoch: far, to: 1 });
    world.receive(1, LIAR, deltaOf([entryOf(1, 1, good(1))], { epoch: far }));
    assert.equal(world.nodes[1]!.epoch, START);
    assert.equal(world.nodes[1]!.count, 0);
    assert.equal(world.nodes[1]!.refusals.get("future-epoch"), 2);
  });

  it("origins that are no members, or more than a mesh holds, are refused and counted", () => {
    const world = new World(2, { admits: (origin) => origin !== nodeId(9) });
    world.connect(0, 1);
    world.deliver();
    world.receive(1, LIAR, deltaOf([entryOf(1, 1, good(1))]));
    assert.equal(world.nodes[1]!.refusals.get("stranger"), 1);
    for (let i = 0; i < 300; i++) {
      const record = signed(recordOf(i, [100 + i]));
      world.receive(1, LIAR, deltaOf([entryOf(1, i, record)], { origin: nodeKey(100 + i) }));
    }
    assert.equal(world.nodes[1]!.origins().length, 256);
    assert.equal(world.nodes[1]!.refusals.get("full"), 300 - 254);
    world.run(2);
  });

  it("a neighbour that never ends its answer does not keep this node from asking others", () => {
    const world = chain();
    world.here(2, recordOf(1, [2]));
    world.disconnect(1, 2);
    world.act(1, world.nodes[1]!.connected(nodeId(LIAR), world.now)); // the answer to this question is lost
    for (const [, , frames] of world.busy()) frames.length = 0;
    world.connect(1, 2);
    for (let i = 0; i < 5; i++) {
      world.now += 1000;
      world.act(1, world.nodes[1]!.tick(world.now));
      for (const [from, to, frames] of world.busy()) {
        if (from === LIAR || to === LIAR) frames.length = 0;
      }
      world.deliver();
    }
    assert.ok(world.nodes[1]!.find(peerId(1)));
  });

  it("a neighbour that claims to know more and never tells it is not asked without pause", () => {
    const world = chain();
    const claim: Digest = {
      kind: "digest",
      answer: true,
      points: [{ origin: nodeKey(9), epoch: START, version: 5 }],
    };
    world.run(3);
    for (let i = 0; i < 4; i++) {
      world.now += 1000;
      world.act(1, world.nodes[1]!.tick(world.now));
      const asked = world.busy().filter(([from, to]) => from === 1 && to === LIAR).length;
      for (const [, , frames] of world.busy()) frames.length = 0;
      world.receive(1, LIAR, claim);
      const again = world.busy().filter(([, to]) => to === LIAR).length;
      assert.ok(asked + again <= 1, "asked twice within a second");
      for (const [, , frames] of world.busy()) frames.length = 0;
    }
  });

  it("whatever a neighbour sends, only what is genuine, timely and in place enters or goes on", () => {
    const kind = fc.integer({ min: 0, max: DEFECTS.length + 2 });
    const script = fc.array(fc.tuple(kind, fc.nat(5)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(script, { maxLength: 6 }), (scripts) => {
        const world = chain();
        let version = 0;
        for (const script of scripts) {
          const from = version;
          const entries = script.map(([kind, peer]) => {
            const record = DEFECTS[kind]?.[2] ?? (kind === DEFECTS.length ? null : good(peer));
            return entryOf(++version, kind < DEFECTS.length ? 1 : peer, record);
          });
          const frame = deltaOf(entries, { from, to: version });
          encodePresence(frame);
          world.receive(1, LIAR, frame);
        }
        for (let peer = 0; peer < 6; peer++) {
          const place = world.nodes[1]!.find(peerId(peer));
          if (place) assert.deepEqual(verdictOn(place.signed, world.now).error, undefined);
          if (place) assert.deepEqual(place.nodes, [nodeId(9)]);
        }
        for (const effect of world.effects[1]!) checkGenuine(effect, world.now);
      }),
      { numRuns: 150 },
    );
  });
});

function checkGenuine(effect: PresenceEffect, now: number): void {
  if (effect.type !== "send" || effect.frame.kind !== "presence") return;
  for (const { peer, record } of effect.frame.entries) {
    if (!record) continue;
    const verdict = verdictOn(record, now);
    assert.equal(verdict.error, undefined);
    if (verdict.error === undefined) assert.deepEqual(verdict.record.peer, peer);
  }
}
