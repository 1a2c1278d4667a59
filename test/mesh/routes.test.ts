import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { MAX_KNOWN } from "../../src/mesh/mesh_limits.ts";
import { Routes, type SignedEdges } from "../../src/mesh/routes.ts";
import { MAX_NEIGHBOURS } from "../../src/wire/limits.ts";
import { idOf, meshOf } from "./virtual_mesh.ts";

const [me, a, b, c] = ["a", "b", "c", "d"].map((letter) => letter.repeat(52)) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];
const frame = new Uint8Array();

function edges(node: PeerId, neighbours: PeerId[], version: number = 1, epoch: number = 1): SignedEdges {
  return { node, epoch, version, neighbours, frame };
}

function newRoutes(known: (node: PeerId) => boolean = () => true): Routes {
  return new Routes({ id: me, epoch: 1, known });
}

/** Pairs of nodes, each edge with a round trip for either end; some claimed by one end only. */
const graphs = fc.integer({ min: 2, max: 12 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    pairs: fc.uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).filter(([x, y]) => x < y), {
      selector: String,
      maxLength: 24,
    }),
    oneSided: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).filter(([x, y]) => x !== y), {
      maxLength: 6,
    }),
    trips: fc.array(fc.nat(3), { minLength: 1, maxLength: 10 }),
  })
);

function worldOf({ size, pairs, oneSided, trips }: typeof graphs extends fc.Arbitrary<infer G> ? G : never) {
  const ids = Array.from({ length: size }, (_, i) => idOf(i));
  const near = ids.map(() => new Set<number>());
  for (const [x, y] of pairs) near[x]!.add(y) && near[y]!.add(x);
  const claims = ids.map((id, i) => {
    const lies = oneSided.filter(([x, y]) => x === i && !near[x]!.has(y)).map(([, y]) => y);
    return edges(id, [...near[i]!, ...lies].map((j) => ids[j]!));
  });
  // A lie told by both ends is the truth to everybody else: leave those out.
  for (const [i, { neighbours }] of claims.entries()) {
    const mutual = neighbours.filter((id) =>
      near[i]!.has(ids.indexOf(id)) || !claims[ids.indexOf(id)]!.neighbours.includes(ids[i]!)
    );
    claims[i] = { ...claims[i]!, neighbours: mutual };
  }
  const routes = ids.map((id, i) => {
    const mine = new Routes({ id, epoch: 1, known: () => true });
    for (const j of near[i]!) mine.sessionUp(ids[j]!, trips[(i * 5 + j) % trips.length]);
    for (const claim of claims) mine.accept(claim);
    return mine;
  });
  return { ids, near, routes };
}

/** Hops by the book. */
function hopsFrom(start: number, near: Set<number>[]): Map<number, number> {
  const found = new Map([[start, 0]]);
  for (const [node, hops] of found) {
    for (const next of near[node]!) if (!found.has(next)) found.set(next, hops + 1);
  }
  return found;
}

describe("routes", () => {
  it("lead around a neighbour that is doubted, straight to it when there is no other way, and back when it answers", () => {
    const routes = newRoutes();
    routes.sessionUp(a, 10);
    routes.sessionUp(b, 20);
    routes.accept(edges(a, [me, b]));
    routes.accept(edges(b, [me, a, c]));
    routes.accept(edges(c, [b]));
    routes.doubt(a, true);
    assert.deepEqual([routes.nextHop(a), routes.distance(a)], [b, 2]);
    routes.doubt(b, true);
    assert.deepEqual([routes.nextHop(a), routes.nextHop(b), routes.nextHop(c)], [a, b, b]);
    routes.doubt(a, false);
    assert.deepEqual([routes.nextHop(a), routes.nextHop(b), routes.nextHop(c)], [a, a, a]);
    routes.sessionDown(b);
    routes.sessionUp(b, 20);
    assert.equal(routes.nextHop(b), b);
  });

  it("know who has a session with whom as both say, and how far it is by the own view and by what all agree on", () => {
    const routes = newRoutes();
    for (const node of [a, b]) routes.sessionUp(node, 10);
    routes.accept(edges(a, [me, b, c]));
    routes.accept(edges(b, [me, a]));
    assert.deepEqual([routes.areJoined(a, b), routes.areJoined(a, me), routes.areJoined(a, c)], [
      true,
      true,
      false,
    ]);
    routes.doubt(a, true);
    assert.deepEqual([routes.distance(a), routes.distance(a, true), routes.distance(c)], [2, 1, undefined]);
  });

  it("take what comes from another node straight to a doubted one: three that doubt it alike would pass it round", () => {
    const nodes = [me, a, b];
    const views = nodes.map((node) => {
      const others = nodes.filter((other) => other !== node);
      const routes = new Routes({ id: node, epoch: 1, known: () => true });
      for (const other of others) {
        routes.sessionUp(other, 10);
        routes.accept(edges(other, [...nodes.filter((id) => id !== other), c]));
      }
      routes.sessionUp(c, 10);
      routes.accept(edges(c, nodes));
      routes.doubt(c, true);
      return routes;
    });
    for (const routes of views) {
      assert.notEqual(routes.nextHop(c), c);
      assert.equal(routes.agreedHop(c), c);
    }
  });

  it("followed hop by hop reach every node there is a way to, in the fewest hops and without a loop", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { ids, near, routes } = worldOf(graph);
        for (const start of ids.keys()) {
          const hops = hopsFrom(start, near);
          for (const end of ids.keys()) {
            if (end === start) continue;
            assert.equal(routes[start]!.distance(ids[end]!), hops.get(end));
            let at = start;
            for (let left = hops.get(end) ?? 0; left > 0; left--) {
              at = ids.indexOf(routes[at]!.nextHop(ids[end]!)!);
            }
            assert.equal(at, hops.has(end) ? end : start);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it("prefer the shorter round trip among the fewest hops, then the smaller id", () => {
    const routes = newRoutes();
    routes.sessionUp(b, 50);
    routes.sessionUp(a, 50);
    for (const node of [a, b]) routes.accept(edges(node, [me, c]));
    routes.accept(edges(c, [a, b]));
    assert.equal(routes.nextHop(c), a);
    routes.measured(b, 45);
    assert.equal(routes.nextHop(c), a, "a small change moves nothing");
    routes.measured(b, 20);
    assert.equal(routes.nextHop(c), b);
    routes.sessionUp(c, 900);
    assert.equal(routes.nextHop(c), c, "fewer hops count first");
  });

  it("lead to a node with a session though it has said nothing yet, but not through it", () => {
    const routes = newRoutes();
    routes.sessionUp(a, 1);
    assert.equal(routes.nextHop(a), a);
    routes.accept(edges(a, [c]));
    routes.accept(edges(c, [a]));
    assert.equal(routes.nextHop(c), undefined, "a does not claim this node");
    routes.accept(edges(a, [c, me], 2));
    assert.equal(routes.nextHop(c), a);
  });

  it("take another way as soon as a session ends", () => {
    const routes = newRoutes();
    routes.sessionUp(a, 1);
    routes.sessionUp(b, 1);
    routes.accept(edges(a, [me, b]));
    routes.accept(edges(b, [me, a]));
    assert.equal(routes.nextHop(b), b);
    assert(routes.sessionDown(b));
    assert.equal(routes.nextHop(b), a);
    assert(routes.sessionDown(a));
    assert.equal(routes.nextHop(b), undefined);
    assert(!routes.sessionDown(a), "nothing changed");
  });

  it("of a mesh lead everywhere, around what was killed", () => {
    const mesh = meshOf(20, 5, 4);
    mesh.run(5_000);
    for (const killed of [3, 8, 13]) mesh.nodes[killed]!.kill();
    mesh.run(8_000);
    for (const start of mesh.living) {
      for (const end of mesh.living) {
        let at = start;
        for (let hops = 0; at !== end && hops < 8; hops++) at = mesh.find(at.routes.nextHop(end.id)!)!;
        assert.equal(at, end);
      }
      for (const killed of [3, 8, 13]) assert.equal(start.routes.nextHop(mesh.nodes[killed]!.id), undefined);
    }
  });
});

describe("a statement", () => {
  it("counts if its (epoch, version) is higher, in whatever order statements come", () => {
    const list = fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(3)), { selector: String, minLength: 1 });
    fc.assert(fc.property(list, (versions) => {
      const routes = newRoutes();
      for (const [epoch, version] of versions) {
        const before = routes.get(a);
        const newer = !before || epoch > before.epoch || (epoch === before.epoch && version > before.version);
        assert.equal(routes.accept(edges(a, [], version, epoch)), newer ? "new" : "old");
        assert.equal(routes.accept(routes.get(a)!), "known");
      }
      const [epoch, version] = versions.toSorted((x, y) => x[0] - y[0] || x[1] - y[1]).at(-1)!;
      assert.deepEqual(routes.get(a), edges(a, [], version, epoch));
    }));
  });

  it("of our own is known, and one from a life we forgot is ahead", () => {
    const routes = newRoutes();
    routes.sessionUp(a);
    assert.equal(routes.accept({ ...routes.own, frame }), "known");
    assert.equal(routes.accept(edges(me, [], 1, 2)), "ahead");
    assert.equal(routes.accept(edges(me, [], 9)), "ahead");
    routes.renew(3);
    assert.equal(routes.accept(edges(me, [], 9, 2)), "known");
  });

  it("of our own gets a higher version with each change, and starts anew with an epoch", () => {
    const routes = newRoutes();
    assert(routes.sessionUp(b));
    assert(!routes.sessionUp(b, 5));
    assert(routes.sessionUp(a));
    assert.deepEqual(routes.own, { node: me, epoch: 1, version: 2, neighbours: [a, b] });
    routes.renew(4);
    assert.deepEqual(routes.own, { node: me, epoch: 4, version: 1, neighbours: [a, b] });
  });

  it("goes with its dead node, does not come back, and does in its next life", () => {
    const routes = newRoutes();
    routes.sessionUp(a);
    routes.accept(edges(a, [me, b]));
    routes.accept(edges(b, [a]));
    routes.bury(b, 1);
    assert.equal(routes.nextHop(b), undefined);
    assert.equal(routes.accept(edges(b, [a], 7)), "refused");
    assert.equal(routes.accept(edges(b, [a], 1, 2)), "new");
    assert.equal(routes.nextHop(b), a);
    routes.bury(b, 1);
    assert.equal(routes.nextHop(b), a, "news of an old death");
  });

  it("of a stranger, of too many neighbours, or past the bound is refused", () => {
    assert.equal(newRoutes(() => false).accept(edges(a, [])), "refused");
    const routes = newRoutes();
    assert.equal(routes.accept(edges(a, Array(MAX_NEIGHBOURS + 1).fill(b))), "refused");
    for (let i = 0; i < MAX_KNOWN; i++) routes.accept(edges(idOf(i), []));
    assert.equal(routes.accept(edges(a, [])), "refused");
    assert.equal(routes.accept(edges(idOf(0), [], 2)), "new");
  });
});
