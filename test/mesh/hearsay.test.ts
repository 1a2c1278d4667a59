import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { Claim, ClaimState } from "../../src/mesh/claim.ts";
import { Hearsay } from "../../src/mesh/hearsay.ts";
import { Members } from "../../src/mesh/members.ts";
import { HEARSAY_LIFETIME, MAX_HEARSAY, MAX_INTRODUCED, RETURN_SLOT } from "../../src/mesh/mesh_limits.ts";
import { Neighbours } from "../../src/mesh/neighbours.ts";
import { Routes, type SignedEdges } from "../../src/mesh/routes.ts";
import { Vouching } from "../../src/mesh/vouching.ts";
import { seeded } from "../dice.ts";
import { idOf, meshOf } from "./virtual_mesh.ts";

const [me, x, y, z] = [0, 1, 2, 3].map(idOf) as [PeerId, PeerId, PeerId, PeerId];
const claim = (node: PeerId, state: ClaimState = "alive", epoch: number = 1): Claim => ({
  node,
  epoch,
  incarnation: 0,
  state,
  urls: state === "alive" ? [`wss://${node.slice(0, 8)}.example/`] : [],
});
const made = (count: number, from: number = 0) =>
  Array.from({ length: count }, (_, i) => claim(idOf(1_000 + from + i)));
const edges = (node: PeerId, neighbours: PeerId[], epoch: number = 1, version: number = 1): SignedEdges => ({
  node,
  epoch,
  version,
  neighbours,
  frame: new Uint8Array(),
});

/** `me` with a session to `y`. */
function world() {
  const members = new Members({ id: me, epoch: 10, urls: [], random: seeded(1) });
  const known = (node: PeerId) => /alive|suspect/.test(members.state(node) ?? "");
  const routes = new Routes({ id: me, epoch: 10, known });
  const vouching = new Vouching({ members, routes });
  const neighbours = new Neighbours({ members, random: seeded(1) });
  members.sessionUp(y, 1, [], 0);
  routes.sessionUp(y, 20);
  return { members, routes, vouching, neighbours };
}

describe("a node that others speak of", () => {
  it("is no member, and nothing is passed on, until it is vouched for", () => {
    const { members } = world();
    assert.deepEqual(members.receive(y, [claim(x)], 0), []);
    assert.equal(members.state(x), undefined);
    assert.equal(members.hearsay(x)?.node, x);
    const effects = members.vouch(x, 5);
    assert.deepEqual(effects.map(({ type }) => type), ["joined", "gossip"]);
    assert.equal(members.state(x), "alive");
    assert.equal(members.hearsay(x), undefined);
    assert.deepEqual(members.vouch(x, 5), []);
  });

  it("becomes a member by a session of its own", () => {
    const { members } = world();
    members.receive(y, [claim(x)], 0);
    const [joined] = members.sessionUp(x, 1, [], 5);
    assert.deepEqual(joined, { type: "joined", node: x, epoch: 1 });
    assert.equal(members.hearsay(x), undefined);
  });

  it("is vouched for by a living member when both state their session", () => {
    const { members, routes, vouching } = world();
    members.receive(y, [claim(x)], 0);
    vouching.hold(edges(x, [y, z]));
    assert.equal(vouching.next(), undefined, "x alone says so");
    routes.accept(edges(y, [me, x]));
    assert.equal(vouching.next()?.node, x);
  });

  it("is not vouched for by itself, by strangers, by the suspect, or in another life", () => {
    const { members, routes, vouching } = world();
    routes.accept(edges(y, [me, x]));
    members.receive(y, [claim(x, "alive", 2), claim(z)], 0);
    vouching.hold(edges(x, [x, z], 2, 1));
    vouching.hold(edges(z, [x], 1, 1));
    assert.equal(vouching.next(), undefined, "strangers vouch for each other");
    vouching.hold(edges(x, [y], 1, 9));
    assert.equal(vouching.next(), undefined, "an older life's statement does not replace the newer");
    members.suspect(y, 0);
    vouching.hold(edges(x, [y], 2, 2));
    assert.equal(vouching.next(), undefined, "y is suspect");
  });

  it("that becomes a member may vouch for the next", () => {
    const { members, routes, vouching } = world();
    members.receive(y, [claim(x), claim(z)], 0);
    vouching.hold(edges(z, [x]));
    vouching.hold(edges(x, [y, z]));
    routes.accept(edges(y, [me, x]));
    const listed: PeerId[] = [];
    for (let next = vouching.next(); next; next = vouching.next()) {
      members.vouch(next.node, 0);
      routes.accept(next);
      listed.push(next.node);
    }
    assert.deepEqual(listed, [x, z]);
  });

  it("and is said to be dead is forgotten", () => {
    const { members } = world();
    members.receive(y, [claim(x)], 0);
    members.receive(y, [claim(x, "dead")], 0);
    assert.equal(members.hearsay(x), undefined);
    members.receive(y, [claim(x)], 0);
    assert.equal(members.hearsay(x), undefined, "what was buried stays buried");
  });

  it("is dialled in its turn, one at a time, so that whoever is true gets in", () => {
    const { members, neighbours } = world();
    members.receive(y, made(40), 0);
    const seen = new Set<PeerId>();
    for (let slot = 0; slot < 40; slot++) {
      const wanted = neighbours.wanted(slot * RETURN_SLOT).filter(({ why }) => why === "hearsay");
      assert.equal(wanted.length, 1);
      seen.add(wanted[0]!.node);
    }
    assert.equal(seen.size, 40);
  });

  it("is forgotten when nobody repeats it", () => {
    const { members } = world();
    members.receive(y, [claim(x), claim(z)], 0);
    members.receive(y, [claim(z)], 20_000);
    members.tick(HEARSAY_LIFETIME);
    assert.deepEqual([...members.rumours].map(({ node }) => node), [z]);
  });
});

describe("a flood of nodes that do not exist", () => {
  it("is counted past the bound of one session, and the session of whoever exceeds all reason ends", () => {
    const { members } = world();
    assert.deepEqual(
      members.receive(y, made(MAX_HEARSAY), 0),
      [],
      "a full list is what an honest node may send",
    );
    assert.equal(members.refused.flood, MAX_HEARSAY - MAX_INTRODUCED);
    assert.deepEqual(members.receive(y, made(1, 5_000), 0), [{ type: "flooded", from: y }]);
    assert.equal(members.size, 1);
  });

  it("does not push out those that other neighbours speak of", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3_000 }), (honest, lies) => {
        const hearsay = new Hearsay();
        for (const one of made(honest, 10_000)) hearsay.add(one, x, 0);
        for (const one of made(lies)) hearsay.add(one, y, 1);
        assert.equal(hearsay.size, Math.min(MAX_HEARSAY, honest + lies));
        for (const one of made(honest, 10_000)) assert.equal(hearsay.teller(one.node), x);
      }),
      { numRuns: 8 },
    );
  });

  it("by a member of a mesh reaches its neighbours alone, and the mesh goes on", () => {
    const mesh = meshOf(20, 4, 4);
    mesh.run(8_000);
    const liar = mesh.nodes[7]!;
    const heard = new Set([...liar.wires.keys()]);
    for (let i = 0; i < 10; i++) {
      for (const to of liar.wires.keys()) liar.send(to, { type: "claims", claims: made(64, i * 64) });
    }
    mesh.run(5_000);
    for (const node of mesh.living) {
      const lies = made(640).filter(({ node: made }) => node.members.state(made) !== undefined);
      assert.equal(lies.length, 0);
      if (node !== liar && !heard.has(node.id)) assert.equal([...node.members.rumours].length, 0);
    }
    const late = mesh.add(900, { target: 4 });
    late.dial(mesh.nodes[0]!.id);
    mesh.run(5_000);
    for (const node of mesh.living) if (node !== late) assert.equal(node.view(late.id), "alive");
    for (const node of mesh.living) if (node !== late) assert.equal(late.view(node.id), "alive");
  });
});
