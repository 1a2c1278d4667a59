import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wireBytes } from "../../src/mesh/presence_frames.ts";
import { TOMBSTONE } from "../../src/mesh/presence_limits.ts";
import type { PresenceEffect } from "../../src/mesh/presence_types.ts";
import { nodeId, nodeKey, peerId, peerKey, recordOf, signed, START, World } from "./presence_world.ts";

const events = (effects: PresenceEffect[]): PresenceEffect[] => effects.filter(({ type }) => type !== "send");

/** Nodes that all have sessions with each other and have said what there is to say. */
function meshOf(count: number): World {
  const world = new World(count);
  world.connectAll();
  world.deliver();
  return world;
}

describe("presence", () => {
  it("of a peer reaches every node in one push, home first", () => {
    const world = meshOf(3);
    world.here(1, recordOf(1, [0, 1]));
    world.here(0, recordOf(1, [0, 1]));
    world.deliver();
    for (const node of world.nodes) {
      assert.deepEqual(node.find(peerId(1))?.nodes, [nodeId(0), nodeId(1)]);
      assert.equal(node.count, 1);
      assert.deepEqual(node.at(nodeId(1)), [peerId(1)]);
    }
  });

  it("names only the nodes that list the peer", () => {
    const world = meshOf(2);
    world.here(1, recordOf(1, [0, 1]));
    world.deliver();
    assert.deepEqual(world.nodes[0]!.find(peerId(1))?.nodes, [nodeId(1)]);
  });

  it("is told once per neighbour for one change, with a frame of a few hundred bytes", () => {
    const world = meshOf(4);
    const before = { ...world.sent };
    world.here(0, recordOf(1, [0]));
    world.deliver();
    const frames = world.sent.presence - before.presence;
    assert.ok(frames <= 3 + 3 * 2, `${frames} frames`);
    const delta = world.effects[0]!.findLast(({ type }) => type === "send") as PresenceEffect & {
      type: "send";
    };
    assert.ok(delta.frame.kind === "presence" && wireBytes(delta.frame) < 400);
  });

  it("crosses each node once along a tree of routes", () => {
    const world = new World(5, { passesOn: () => false });
    world.connectAll();
    world.deliver();
    const before = world.sent.presence;
    world.here(0, recordOf(1, [0]));
    world.deliver();
    assert.equal(world.sent.presence - before, 4);
    for (const node of world.nodes) assert.equal(node.count, 1);
  });

  it("ends everywhere when the session ends", () => {
    const world = meshOf(3);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.gone(0, 1);
    world.deliver();
    for (const node of world.nodes) assert.equal(node.find(peerId(1)), undefined);
    assert.equal(world.nodes[1]!.count, 0);
  });

  it("a peer that moved is found at its new place, never at the old one", () => {
    const world = meshOf(3);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.here(1, recordOf(1, [1], { sequence: 1 }));
    for (const [from, to, frames] of world.busy()) {
      while (frames.length > 0) {
        world.receive(to, from, frames.shift()!);
        assert.deepEqual(world.nodes[to]!.find(peerId(1))?.nodes, [nodeId(1)]);
      }
    }
    world.deliver();
    world.gone(1, 1);
    world.deliver();
    for (const node of world.nodes) assert.equal(node.find(peerId(1)), undefined);
  });

  it("a newer process of a key ends the older one's at all nodes, and its node is told", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0, 1], { sequence: 7 }));
    world.deliver();
    const record = recordOf(1, [1, 0], { started: START + 1 });
    world.here(1, record);
    world.deliver();
    assert.deepEqual(events(world.effects[0]!), [{ type: "superseded", peer: peerId(1) }]);
    assert.deepEqual(world.nodes[0]!.newest(peerId(1))?.record, record);
    for (const node of world.nodes) assert.deepEqual(node.find(peerId(1))?.nodes, [nodeId(1)]);
    assert.equal(world.here(0, recordOf(1, [0], { sequence: 8 })), "older");
  });

  it("watchers hear when a peer comes, moves and goes, and nobody hears of others", () => {
    const world = meshOf(3);
    const [, , node] = world.nodes;
    assert.equal(node!.watch(peerId(1)), undefined);
    world.here(0, recordOf(1, [0, 1]));
    world.here(0, recordOf(2, [0]));
    world.deliver();
    world.here(1, recordOf(1, [0, 1]));
    world.deliver();
    world.act(2, node!.forget(nodeId(0), world.now));
    world.gone(1, 1);
    world.deliver();
    const peer = peerId(1);
    assert.deepEqual(events(world.effects[2]!), [
      { type: "online", peer, nodes: [nodeId(0)] },
      { type: "moved", peer, nodes: [nodeId(1)] },
      { type: "offline", peer },
    ]);
    node!.unwatch(peer);
    world.here(1, recordOf(1, [1], { sequence: 1 }));
    world.deliver();
    assert.equal(events(world.effects[2]!).length, 3);
  });

  it("leaves with a dead node at once, but not from the standby", () => {
    const world = meshOf(3);
    for (const node of [0, 1]) world.here(node, recordOf(1, [0, 1]));
    world.here(0, recordOf(2, [0]));
    world.deliver();
    world.nodes[2]!.forget(nodeId(0), world.now);
    assert.deepEqual(world.nodes[2]!.find(peerId(1))?.nodes, [nodeId(1)]);
    assert.equal(world.nodes[2]!.find(peerId(2)), undefined);
    world.disconnect(2, 0);
    world.run(5);
    assert.equal(world.nodes[2]!.find(peerId(2)), undefined, "hearsay brought a dead node's peers back");
    world.connect(2, 0);
    world.run(1);
    assert.deepEqual(world.nodes[2]!.find(peerId(1))?.nodes, [nodeId(0), nodeId(1)]);
    assert.deepEqual(world.nodes[2]!.find(peerId(2))?.nodes, [nodeId(0)]);
  });

  it("of a dead node's peers is not taken from those who have not heard of its death", () => {
    const world = new World(3);
    world.connect(0, 1);
    world.connect(1, 2);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    assert.ok(world.nodes[2]!.find(peerId(1)));
    world.act(2, world.nodes[2]!.forget(nodeId(0), world.now));
    world.here(0, recordOf(2, [0]));
    world.run(5);
    assert.ok(world.nodes[1]!.find(peerId(2)));
    assert.equal(world.nodes[2]!.count, 0);
    world.act(2, world.nodes[2]!.revive(nodeId(0), world.now));
    world.run(2);
    assert.equal(world.nodes[2]!.count, 2);
  });

  it("that got lost is asked for as soon as the next change shows it", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    world.busy()[0]![2].length = 0;
    world.here(0, recordOf(2, [0]));
    world.deliver();
    assert.equal(world.nodes[1]!.count, 2);
  });

  it("that got lost is asked for when a neighbour's question shows it", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    world.busy()[0]![2].length = 0;
    world.act(0, world.nodes[0]!.tick(world.now));
    world.deliver();
    assert.equal(world.nodes[1]!.count, 1);
  });

  it("ends by itself when a record is not renewed", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.run(299);
    assert.equal(world.nodes[1]!.count, 1);
    world.run(1);
    for (const node of world.nodes) assert.equal(node.count, 0);
  });

  it("goes on while records are renewed", () => {
    const world = meshOf(2);
    for (let sequence = 0; sequence < 5; sequence++) {
      world.here(0, recordOf(1, [0], { sequence, issued: world.now, expires: world.now + 300_000 }));
      world.run(100);
    }
    assert.equal(world.nodes[1]!.find(peerId(1))?.record.sequence, 4);
  });

  it("an origin that fell silent is forgotten by all once its departures are", () => {
    const world = meshOf(3);
    world.here(0, recordOf(1, [0]));
    world.gone(0, 1);
    world.deliver();
    world.disconnect(0, 1);
    world.disconnect(0, 2);
    world.run(TOMBSTONE / 1000 - 2);
    assert.equal(world.nodes[1]!.origins().length, 3);
    world.now += TOMBSTONE;
    world.run(20);
    assert.deepEqual(
      world.nodes[1]!.origins().map(({ origin }) => origin).sort(),
      [nodeId(1), nodeId(2)].sort(),
    );
  });

  it("a restarted node's earlier life ends with its first word", () => {
    const world = meshOf(3);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.now += 5;
    world.restart(0);
    world.deliver();
    for (const node of world.nodes) assert.equal(node.find(peerId(1)), undefined);
    world.here(0, recordOf(2, [0]));
    world.deliver();
    for (const node of world.nodes) assert.deepEqual(node.find(peerId(2))?.nodes, [nodeId(0)]);
  });

  it("a node whose clock went back goes above the epoch that others know, with its peers", () => {
    const world = meshOf(3);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.nodes[0] = world.make(0, START - 1000);
    for (const other of [1, 2]) world.disconnect(0, other);
    world.here(0, recordOf(2, [0]));
    for (const other of [1, 2]) world.connect(0, other);
    world.deliver();
    assert.deepEqual(events(world.effects[0]!), [{ type: "epoch", epoch: START + 1 }]);
    for (const node of world.nodes) {
      assert.equal(node.find(peerId(1)), undefined);
      assert.deepEqual(node.find(peerId(2))?.nodes, [nodeId(0)]);
    }
  });

  it("membership may raise the epoch; the others follow", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    world.deliver();
    world.act(0, world.nodes[0]!.renew(START + 9, world.now));
    world.deliver();
    assert.equal(world.nodes[0]!.epoch, START + 9);
    assert.deepEqual(world.view(1), world.view(0));
    assert.deepEqual(world.nodes[1]!.find(peerId(1))?.nodes, [nodeId(0)]);
  });

  it("what is its own peer's is refused with a reason", () => {
    const world = new World(1);
    assert.equal(world.here(0, recordOf(1, [1])), "wrong-node");
    assert.equal(world.here(0, recordOf(1, [0], { network: "other" })), "wrong-network");
    assert.equal(world.here(0, recordOf(1, [0], { expires: START })), "expired");
    assert.equal(world.here(0, recordOf(1, [0], { sequence: 2 })), undefined);
    assert.equal(world.here(0, recordOf(1, [0], { sequence: 1 })), "older");
    const large = { body: new Uint8Array(2049), signature: new Uint8Array(64) };
    assert.equal(world.nodes[0]!.here(recordOf(2, [0]), large, START).refused, "too-large");
    assert.equal(world.nodes[0]!.refusals.get("older"), 1);
    assert.equal(world.nodes[0]!.count, 1);
  });

  it("the same bytes again are no change", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    const { sent } = world;
    const before = { ...sent };
    world.here(0, recordOf(1, [0]));
    assert.deepEqual(sent, before);
  });

  it("stays within its memory: peers per origin, in total, and departures", () => {
    const limits = { perOrigin: 3, gravesPerOrigin: 2, total: 5 };
    const world = new World(3);
    world.nodes[2] = world.make(2, START, { limits });
    world.connectAll();
    for (let peer = 0; peer < 6; peer++) world.here(0, recordOf(peer, [0]));
    for (let peer = 6; peer < 12; peer++) world.here(1, recordOf(peer, [1]));
    world.run(3);
    assert.equal(world.nodes[1]!.count, 12);
    assert.equal(world.nodes[2]!.at(nodeId(0)).length + world.nodes[2]!.at(nodeId(1)).length, 5);
    assert.equal(world.nodes[2]!.refusals.get("full"), 7);
    for (let peer = 0; peer < 6; peer++) world.gone(0, peer);
    world.run(1);
    assert.equal(world.nodes[2]!.at(nodeId(0)).length, 0);
    assert.equal(world.nodes[2]!.count, world.nodes[2]!.at(nodeId(1)).length);
    world.here(0, recordOf(20, [0]));
    world.run(1);
    assert.ok(world.nodes[2]!.find(peerId(20)), "there is room again");
  });

  it("verifies each record once per node", () => {
    const world = meshOf(2);
    const record = recordOf(1, [0, 1]);
    world.here(0, record);
    const [, , frames] = world.busy()[0]!;
    const delta = frames[0]!;
    assert.ok(delta.kind === "presence");
    assert.equal(world.nodes[1]!.unverified(delta, world.now).length, 1);
    world.deliver();
    assert.equal(world.nodes[1]!.unverified(delta, world.now).length, 0);
    const entries = [{ version: 1, peer: peerKey(1), record: signed(record) }];
    const other = { ...delta, origin: nodeKey(9), entries };
    assert.equal(world.nodes[1]!.unverified(other, world.now).length, 0, "known to the byte");
  });

  it("takes nothing without a verdict, and asks for it again", () => {
    const world = meshOf(2);
    world.here(0, recordOf(1, [0]));
    const [, , frames] = world.busy()[0]!;
    const delta = frames.shift()!;
    assert.ok(delta.kind === "presence");
    world.act(1, world.nodes[1]!.apply(delta, nodeId(0), world.now, new Map()));
    assert.equal(world.nodes[1]!.count, 0);
    assert.equal(world.nodes[1]!.refusals.get("unverified"), 1);
    world.deliver();
    assert.equal(world.nodes[1]!.count, 1);
  });
});
