import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Mesh, meshOf, type Node } from "./virtual_mesh.ts";

describe("a mesh", () => {
  /** Who each living node believes alive, but itself. */
  const beliefs = (mesh: Mesh) =>
    mesh.living.map(({ id, members }) =>
      [...members].filter(({ state }) => state === "alive").map(({ node }) => node).concat(id).sort()
    );
  const agrees = (mesh: Mesh) => {
    const living = mesh.living.map(({ id }) => id).sort();
    for (const belief of beliefs(mesh)) assert.deepEqual(belief, living);
  };
  const heard = (nodes: Node[], type: string) =>
    nodes.flatMap(({ changes }) => changes.filter((change) => change.type === type));

  it("knows itself after a moment, without a suspicion", () => {
    for (const count of [2, 3, 5, 9, 30]) {
      const mesh = meshOf(count, count);
      mesh.run(5_000);
      agrees(mesh);
      assert.deepEqual(heard(mesh.nodes, "suspect"), []);
    }
  });

  it("agrees once calm after loss, doubling, overtaking, kills, stops and restarts: the living live, the dead are dead", () => {
    const faults = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 1_500 }),
        node: fc.nat(20),
        what: fc.constantFrom("kill", "cut off", "stop", "restart", "add"),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 6 }), faults, (seed, count, list) => {
        const mesh = meshOf(count, seed);
        mesh.run(3_000);
        Object.assign(mesh, { loss: 0.3, doubling: 0.2, jitter: 300 });
        for (const { at, node, what } of list) mesh.after(at * 10, () => strike(mesh, node, what));
        mesh.run(25_000);
        Object.assign(mesh, { loss: 0, doubling: 0, jitter: 40 });
        mesh.run(45_000);
        agrees(mesh);
        for (const node of mesh.living) {
          assert.deepEqual([...node.routes.own.neighbours].sort(), [...node.members.sessions.keys()].sort());
        }
      }),
      { numRuns: 40 },
    );
  });

  function strike(mesh: Mesh, number: number, what: string): void {
    const node = mesh.living[number % mesh.living.length]!;
    if (what === "add") return mesh.add(mesh.nodes.length + 50).dial(node.id);
    if (node.state !== "running") return;
    if (what === "stop") {
      node.stop();
      return mesh.after(10_000, () => node.state === "stopped" && node.resume());
    }
    if (mesh.living.length <= 2) return;
    node.kill(what === "cut off");
    if (what !== "restart") return;
    const number2 = mesh.nodes.indexOf(node);
    const again = mesh.add(number2 < 50 ? number2 : number2 + 50, { epoch: 1_000_000 });
    again.dial(mesh.living.find((other) => other !== again)!.id);
  }

  it("loses a killed node everywhere within six seconds, and nobody else", () => {
    const mesh = meshOf(12, 7);
    mesh.run(5_000);
    const [, , , , , killed] = mesh.nodes as [Node, Node, Node, Node, Node, Node];
    killed.kill();
    mesh.run(6_000);
    for (const node of mesh.living) assert.equal(node.view(killed.id), "dead");
    agrees(mesh);
    assert(heard(mesh.living, "dead").every((change) => "node" in change && change.node === killed.id));
  });

  it("takes a restarted node back under a higher epoch, though its clock went back", () => {
    const mesh = meshOf(5, 3);
    mesh.run(5_000);
    mesh.nodes[4]!.kill();
    const again = mesh.add(4, { epoch: 5 });
    again.dial(mesh.nodes[0]!.id);
    mesh.run(10_000);
    agrees(mesh);
    assert(again.members.own.epoch > 1_000_000);
  });

  it("sees a node leave at once and does not suspect it", () => {
    const mesh = meshOf(6, 4);
    mesh.run(5_000);
    const leaving = mesh.nodes[5]!;
    leaving.perform(leaving.members.leave());
    mesh.run(400);
    leaving.kill();
    mesh.run(5_000);
    for (const node of mesh.living) assert.equal(node.view(leaving.id), "left");
    assert.deepEqual(heard(mesh.living, "suspect"), []);
  });

  it("cut into halves works on in both, and is one within five seconds of healing", () => {
    for (const [count, time] of [[4, 8_000], [9, 40_000], [24, 40_000]] as const) {
      const mesh = meshOf(count, count);
      mesh.run(5_000);
      const half = new Set(mesh.nodes.slice(0, count / 2));
      mesh.connected = (a, b) => half.has(a) === half.has(b);
      mesh.run(time);
      for (const node of half) {
        for (const other of half) if (other !== node) assert.equal(node.view(other.id), "alive");
      }
      mesh.connected = () => true;
      mesh.run(5_000);
      agrees(mesh);
    }
  });

  it("has nodes that only dial as full members", () => {
    const mesh = new Mesh(9);
    const seed = mesh.add(0);
    for (let i = 1; i < 12; i++) mesh.add(i, { urls: i % 2 ? [] : undefined, target: 3 }).dial(seed.id);
    mesh.run(8_000);
    agrees(mesh);
    mesh.nodes[11]!.kill();
    mesh.run(8_000);
    agrees(mesh);
  });
});
