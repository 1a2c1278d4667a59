import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { Routes } from "../../src/mesh/routes.ts";
import { SpanningTrees, type Topology } from "../../src/mesh/spanning_tree.ts";
import { idOf } from "./virtual_mesh.ts";

type Graph = Map<PeerId, Set<PeerId>>;

/** A ring, so that all are joined, and some edges across it. */
const graphs: fc.Arbitrary<Graph> = fc.tuple(fc.integer({ min: 2, max: 20 }), fc.infiniteStream(fc.nat()))
  .map(([count, numbers]) => {
    const ids = Array.from({ length: count }, (_, i) => idOf(i));
    const graph: Graph = new Map(ids.map((id) => [id, new Set()]));
    const join = (a: PeerId, b: PeerId) => a !== b && void (graph.get(a)!.add(b), graph.get(b)!.add(a));
    ids.forEach((id, i) => join(id, ids[(i + 1) % count]!));
    for (let i = 0; i < count; i++) {
      join(ids[numbers.next().value! % count]!, ids[numbers.next().value! % count]!);
    }
    return graph;
  });

/** The view of one node, out of the statements of the others. */
function viewOf(graph: Graph, id: PeerId): Routes {
  const routes = new Routes({ id, epoch: 1, known: () => true });
  for (const node of graph.get(id)!) routes.sessionUp(node, 10);
  for (const [node, neighbours] of graph) {
    if (node !== id) {
      routes.accept({ node, epoch: 1, version: 1, neighbours: [...neighbours], frame: new Uint8Array() });
    }
  }
  return routes;
}

describe("the trees along which news travels", () => {
  it("bring each node each change exactly once, over as few sessions as can be, each node deciding for itself", () => {
    fc.assert(fc.property(graphs, fc.nat(), (graph, number) => {
      const ids = [...graph.keys()];
      const origin = ids[number % ids.length]!;
      const views = new Map(ids.map((id) => [id, new SpanningTrees(viewOf(graph, id))]));
      const reached = new Map([[origin, 0]]);
      for (const [node, distance] of reached) { // grows while it is walked
        for (const next of graph.get(node)!) {
          if (next === origin || views.get(node)!.parent(origin, next) !== node) continue;
          assert(!reached.has(next), "told twice");
          reached.set(next, distance + 1);
        }
      }
      assert.equal(reached.size, ids.length);
      const routes = viewOf(graph, origin);
      for (const [node, distance] of reached) {
        if (node !== origin) assert.equal(distance, routes.distance(node));
      }
    }));
  });

  it("spread the work of passing on over the nodes", () => {
    const ids = Array.from({ length: 24 }, (_, i) => idOf(i));
    const middle = new Set(ids.slice(1, 9));
    const graph: Graph = new Map(ids.map((id, i) => [id, i === 0 || i > 8 ? middle : new Set(ids)]));
    const trees = new SpanningTrees(viewOf(graph, ids[0]!));
    const parents = new Set(ids.slice(9).map((id) => trees.parent(ids[0]!, id)));
    assert(parents.size >= 3, `only ${parents.size} of eight pass on`);
  });

  it("follow an edge that breaks, and name no parent where there is no way", () => {
    const [a, b, c] = [idOf(0), idOf(1), idOf(2)] as [PeerId, PeerId, PeerId];
    let edges: [PeerId, PeerId][] = [[a, b], [b, c]];
    const topology: Topology & { revision: number } = {
      revision: 0,
      joined: (node) => edges.flatMap(([x, y]) => x === node ? [y] : y === node ? [x] : []),
    };
    const trees = new SpanningTrees(topology);
    assert.equal(trees.parent(a, c), b);
    edges = [[a, c]];
    topology.revision++;
    assert.equal(trees.parent(a, c), a);
    assert.equal(trees.parent(a, b), undefined);
  });
});
