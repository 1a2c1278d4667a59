import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ANSWER_FRAMES } from "../../src/mesh/presence_limits.ts";
import { peerId, recordOf, World } from "./presence_world.ts";

/** A node with `peers` peers, of which every tenth has left again. */
function full(world: World, peers: number): void {
  for (let peer = 0; peer < peers; peer++) world.here(0, recordOf(peer, [0]));
  for (let peer = 0; peer < peers; peer += 10) world.gone(0, peer);
}

describe("a snapshot", () => {
  it("lets a node that starts empty catch up from zero over one session", () => {
    const world = new World(2);
    full(world, 5000);
    world.connect(0, 1);
    world.deliver();
    assert.deepEqual(world.view(1), world.view(0));
    assert.equal(world.nodes[1]!.count, 4500);
    assert.equal(world.sent.entries, 5000, "each entry once");
  });

  it("too large for one answer is asked for until it is whole; what is new waits its turn", () => {
    const world = new World(2);
    const nodes = [0, ...Array(15).keys()];
    for (let peer = 0; peer < 4000; peer++) world.here(0, recordOf(peer, nodes));
    world.connect(0, 1);
    const [, , questions] = world.busy().find(([from]) => from === 1)!;
    world.receive(0, 1, questions.shift()!);
    const { presence } = world.sent;
    assert.equal(presence, ANSWER_FRAMES);
    world.here(0, recordOf(5000, [0]));
    assert.equal(world.sent.presence, presence, "pushed to a node that cannot take it yet");
    for (const [from, to, frames] of world.busy()) if (from === 1 && to === 0) frames.length = 0;
    world.deliver();
    assert.equal(world.nodes[1]!.count, 4001);
    assert.equal(world.sent.entries, 4001);
  });

  it("comes in frames whose ranges join", () => {
    const world = new World(2);
    full(world, 300);
    world.connect(0, 1);
    const [, , questions] = world.busy().find(([from]) => from === 1)!;
    world.receive(0, 1, questions.shift()!);
    const [, , frames] = world.busy().find(([from]) => from === 0)!;
    let before = 0;
    for (const frame of frames) {
      if (frame.kind !== "presence") continue;
      assert.equal(frame.from, before);
      before = frame.to;
    }
    assert.equal(before, 330);
  });

  it("comes once, however many sessions the node begins at the same time", () => {
    const world = new World(5);
    for (let a = 0; a < 4; a++) for (let b = 0; b < a; b++) world.connect(a, b);
    full(world, 300);
    world.deliver();
    const before = world.sent.entries;
    for (let a = 0; a < 4; a++) world.connect(4, a);
    world.deliver();
    assert.deepEqual(world.view(4), world.view(0));
    assert.ok(world.sent.entries - before <= 300 * 1.1, `${world.sent.entries - before} entries`);
  });

  it("cut off at any frame goes on there, over this or another neighbour", () => {
    let cut = 0;
    for (let whole = false; !whole; cut++) {
      const world = new World(3);
      full(world, 300);
      world.connect(0, 2);
      world.deliver();
      world.connect(0, 1);
      whole = !receiveFrames(world, cut);
      const had = world.nodes[1]!.origins().reduce((sum, { peers }) => sum + peers, 0);
      world.disconnect(0, 1);
      const before = world.sent.entries;
      world.connect(cut % 2 === 0 ? 0 : 2, 1);
      world.deliver();
      assert.deepEqual(world.view(1), world.view(0), `cut after ${cut} frames`);
      assert.ok(world.sent.entries - before <= 300 - had, "what both have is not sent");
    }
    assert.ok(cut > 6, `only ${cut} cuts`);
  });

  it("and what changes meanwhile arrive both", () => {
    const world = new World(2);
    full(world, 300);
    world.connect(0, 1);
    for (let i = 0; world.busy().length > 0; i++) {
      const [from, to, frames] = world.busy()[0]!;
      world.receive(to, from, frames.shift()!);
      if (i < 20) world.here(0, recordOf(1000 + i, [0]));
      if (i < 20) world.gone(0, i * 10 + 1);
    }
    assert.deepEqual(world.view(1), world.view(0));
    assert.ok(world.nodes[1]!.find(peerId(1019)));
    assert.equal(world.nodes[1]!.find(peerId(11)), undefined);
  });

  it("what both have is not sent again when they meet again", () => {
    const world = new World(2);
    full(world, 300);
    world.connect(0, 1);
    world.deliver();
    world.disconnect(0, 1);
    world.here(0, recordOf(999, [0]));
    const before = world.sent.entries;
    world.connect(0, 1);
    world.deliver();
    assert.equal(world.sent.entries - before, 1);
  });

  it("two halves of a mesh that parted find everybody at once when one session joins them", () => {
    const world = new World(6);
    world.connectAll();
    world.deliver();
    for (const a of [0, 1, 2]) for (const b of [3, 4, 5]) world.disconnect(a, b);
    for (let peer = 0; peer < 60; peer++) world.here(peer % 6, recordOf(peer, [peer % 6]));
    world.deliver();
    assert.equal(world.nodes[0]!.count, 30);
    world.connect(2, 3);
    world.deliver();
    for (const [i, node] of world.nodes.entries()) {
      assert.equal(node.count, 60, `node ${i}`);
      assert.deepEqual(world.view(i), world.view(0));
    }
  });
});

/** Delivers until node 1 got `count` presence frames; false when there are not so many. */
function receiveFrames(world: World, count: number): boolean {
  for (let busy = world.busy(); busy.length > 0; busy = world.busy()) {
    for (const [from, to, frames] of busy) {
      if (frames[0]!.kind === "presence" && to === 1 && count-- === 0) return true;
      world.receive(to, from, frames.shift()!);
    }
  }
  return false;
}
