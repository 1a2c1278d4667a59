import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { comparePeerIds, type PeerId } from "../../src/identity/peer_id.ts";
import {
  MESH_TARGET,
  REDIAL_FIRST,
  REDIAL_LONGEST,
  RETURN_SLOT,
  SIMULTANEOUS,
  SUSPICION,
} from "../../src/mesh/mesh_limits.ts";
import { Neighbours } from "../../src/mesh/neighbours.ts";
import { preferred } from "../../src/mesh/one_session.ts";
import { seeded } from "../dice.ts";
import { Believing } from "./believing.ts";
import { idOf, meshOf } from "./virtual_mesh.ts";

const NOBODY = idOf(9_999);
const urlsOf = (id: PeerId) => [`wss://${id.slice(0, 9)}.example/`];

/** `count` nodes that all know each other and have no session; every `mute`th has no URL. */
function strangers(count: number, target: number, mute: number = Infinity, first: number = 0) {
  const ids = Array.from({ length: count }, (_, i) => idOf(first + i));
  const urls = (i: number) => i % mute === mute - 1 ? [] : urlsOf(ids[i]!);
  return ids.map((id, i) => {
    const members = new Believing({ id, epoch: 1, urls: urls(i), random: seeded(i) });
    members.sessionUp(NOBODY, 1, [], 0);
    const others = ids.map((node, j) => ({
      node,
      epoch: 1,
      incarnation: 0,
      state: "alive" as const,
      urls: urls(j),
    }));
    members.receive(NOBODY, others, 0);
    members.sessionDown(NOBODY, 0);
    members.receive(id, [], 0);
    return { id, members, neighbours: new Neighbours({ members, target, random: seeded(i) }) };
  });
}

/** Everybody dials whom it wants, as often as it takes. */
function settle(nodes: ReturnType<typeof strangers>): Map<PeerId, Set<PeerId>> {
  const graph = new Map(nodes.map(({ id }) => [id, new Set<PeerId>()]));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (let round = 0; round < 6; round++) {
    const dials = nodes.flatMap(({ id, neighbours }) =>
      neighbours.wanted(0).map(({ node }) => [id, node] as const)
    );
    for (const [from, to] of dials) {
      if (!byId.has(to)) continue;
      graph.get(from)!.add(to);
      graph.get(to)!.add(from);
      byId.get(from)!.members.sessionUp(to, 1, urlsOf(to), 0);
      byId.get(to)!.members.sessionUp(from, 1, byId.get(from)!.members.own.urls, 0);
    }
  }
  return graph;
}

function isConnected(graph: Map<PeerId, Set<PeerId>>): boolean {
  const [start] = graph.keys();
  const found = new Set([start!]);
  for (const node of found) for (const next of graph.get(node)!) found.add(next);
  return found.size === graph.size;
}

describe("the choice of neighbours", () => {
  it("joins 2 … 100 nodes, also where every third only dials, with about the target of sessions each", () => {
    for (const count of [2, 3, 4, 5, 8, 9, 10, 11, 13, 17, 25, 40, 64, 100]) {
      for (const target of [2, 4, MESH_TARGET]) {
        for (const mute of [Infinity, 3]) {
          const graph = settle(strangers(count, target, mute));
          assert(isConnected(graph), `${count} nodes, target ${target}`);
          const sessions = [...graph.values()].reduce((sum, { size }) => sum + size, 0) / count;
          assert(
            sessions <= target * 1.6 + 1,
            `${count} nodes of target ${target} hold ${sessions} sessions`,
          );
        }
      }
    }
  });

  it("joins all whatever their ids, even with two sessions each", () => {
    for (let first = 0; first < 6_000; first += 12) {
      assert(isConnected(settle(strangers(12, 2, Infinity, first))), `the nodes from ${first}`);
    }
  });

  it("is everybody in a mesh of up to target + 1", () => {
    for (const [count, target] of [[2, 8], [6, 8], [9, 8], [4, 3]] as const) {
      for (const held of settle(strangers(count, target)).values()) assert.equal(held.size, count - 1);
    }
  });

  it("is the same each time it is asked", () => {
    const [node] = strangers(50, 8);
    assert.deepEqual(node!.neighbours.wanted(0), node!.neighbours.wanted(0));
  });

  it("steps over those that cannot be dialled and still joins the rest", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(29), { maxLength: 12 }), (down) => {
        const nodes = strangers(30, 2);
        const gone = new Set(down.map(idOf));
        const up = nodes.filter(({ id }) => !gone.has(id));
        for (const { neighbours } of up) for (const node of gone) neighbours.failed(node, 0);
        const graph = settle(up);
        assert(graph.size < 2 || isConnected(graph));
      }),
      { numRuns: 30 },
    );
  });

  it("remembers no failure of those whom others only speak of", () => {
    const [node] = strangers(2, 8);
    for (let i = 0; i < 1_000; i++) node!.neighbours.failed(idOf(100 + i), 0);
    assert.equal(node!.neighbours.failing, 0);
    node!.neighbours.failed(idOf(1), 0);
    assert.equal(node!.neighbours.failing, 1);
  });

  it("pauses after a failure, twice as long each time, up to a bound, until one dial succeeds", () => {
    const [node] = strangers(2, 8);
    const other = idOf(1);
    const waits = Array.from({ length: 12 }, () => {
      node!.neighbours.failed(other, 0);
      let wait = 0;
      while (node!.neighbours.wanted(wait).length === 0) wait += 50;
      return wait;
    });
    assert(waits[0]! >= REDIAL_FIRST / 2 && waits[0]! <= REDIAL_FIRST + 50);
    assert(waits.at(-1)! >= REDIAL_LONGEST / 2 && waits.at(-1)! <= REDIAL_LONGEST + 50);
    node!.neighbours.reached(other);
    assert.equal(node!.neighbours.wanted(0).length, 1);
  });

  it("includes the dead, one at a time in turn, so that halves find each other", () => {
    const [node] = strangers(5, 8);
    for (let i = 1; i < 4; i++) node!.members.suspect(idOf(i), 0);
    for (let i = 1; i < 40; i++) node!.members.tick(i * SUSPICION);
    const dialled = [0, 1, 2].map((slot) => {
      const returning = node!.neighbours.wanted(slot * RETURN_SLOT).filter(({ why }) => why === "returning");
      assert.equal(returning.length, 1);
      return returning[0]!.node;
    });
    assert.deepEqual(dialled.sort(), [1, 2, 3].map(idOf).sort());
  });

  it("replaces what is lost", () => {
    const mesh = meshOf(30, 8, 4);
    mesh.run(5_000);
    for (let i = 0; i < 10; i++) mesh.nodes[i]!.kill();
    mesh.run(8_000);
    const graph = new Map(mesh.living.map(({ id, wires }) => [id, new Set(wires.keys())]));
    assert(isConnected(graph));
    for (const held of graph.values()) assert(held.size >= 4);
  });

  it("of a target below 2 is refused", () => {
    const [{ members }] = strangers(1, 2) as [ReturnType<typeof strangers>[number]];
    assert.throws(() => new Neighbours({ members, target: 1, random: Math.random }), RangeError);
  });
});

describe("of two sessions of one pair", () => {
  const [small, large] = [idOf(0), idOf(1)].sort(comparePeerIds) as [PeerId, PeerId];
  const session = (dialledBy: PeerId, readyAt: number, epoch: number = 1) => ({ dialledBy, readyAt, epoch });

  it("dialled at once the smaller id's stays, whichever end looks and whichever came first", () => {
    assert.equal(preferred(session(small, 0), session(large, 100)), "older");
    assert.equal(preferred(session(large, 0), session(small, 100)), "newer");
  });

  it("dialled by the same side the newer stays", () => {
    for (const id of [small, large]) assert.equal(preferred(session(id, 0), session(id, 1)), "newer");
  });

  it("the newer stays when the older was long ready, or of a former life", () => {
    assert.equal(preferred(session(small, 0), session(large, SIMULTANEOUS)), "newer");
    assert.equal(preferred(session(small, 0), session(large, 100, 2)), "newer");
  });

  it("all but one end in a mesh, though both sides dial", () => {
    const mesh = meshOf(6, 2);
    for (const a of mesh.nodes) for (const b of mesh.nodes) if (a !== b) a.dial(b.id);
    mesh.run(3_000);
    for (const node of mesh.nodes) {
      assert.equal(node.wires.size, 5);
      for (const [id, { wire }] of node.wires) assert.equal(mesh.find(id)!.wires.get(node.id)?.wire, wire);
    }
  });
});
