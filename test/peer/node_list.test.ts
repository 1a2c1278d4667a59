import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import { NodeList } from "../../src/peer/node_list.ts";

const { id } = await generateIdentity();
const OWN = "wss://own.example";
const HERE = "ws://127.0.0.1:8787";

const list = (own: string[], learn = true): NodeList => new NodeList({ own, learn, id, random: () => 0.5 });

describe("the nodes of a peer", () => {
  it("are those of its configuration first, then those it was told of", () => {
    const nodes = list([OWN, "wss://second.example"]);
    nodes.learn(OWN, ["wss://a.example", "wss://b.example"]);
    assert.deepEqual(nodes.candidates(OWN), ["wss://second.example", "wss://a.example", "wss://b.example"]);
    assert.equal(nodes.size, 4);
  });

  it("are never two of which neither is of its configuration, whatever nodes say (no eclipse)", () => {
    const url = fc.constantFrom("wss://f1.example", "wss://f2.example", OWN, "wss://second.example", "");
    const said = fc.tuple(url, fc.array(url, { maxLength: 30 }));
    fc.assert(fc.property(fc.array(said, { maxLength: 20 }), fc.array(fc.nat(20)), (sayings, picks) => {
      const nodes = list([OWN, "wss://second.example"]);
      for (const [teller, urls] of sayings) nodes.learn(teller || OWN, urls);
      const places: (string | undefined)[] = [undefined, undefined];
      places[0] = nodes.candidates(undefined)[0];
      picks.forEach((pick, i) => {
        const free = nodes.candidates(places[1 - i % 2]);
        places[i % 2] = free[pick % free.length];
        const filled = places.filter((place) => place !== undefined);
        assert(filled.some((place) => nodes.isOwn(place)));
        assert.equal(new Set(filled).size, filled.length);
      });
    }));
  });

  it("are not learned without TLS, or in a form that is none", () => {
    const nodes = list([OWN]);
    nodes.learn(OWN, ["ws://friend.example", "http://friend.example", "friend", "", "wss://", "file:///etc"]);
    assert.deepEqual(nodes.candidates(OWN), []);
    assert.equal(nodes.size, 1);
  });

  it("are on this machine only if the node that told of them is: others must not make us knock here", () => {
    for (const near of ["ws://127.0.0.1:22", "wss://localhost:5432", "ws://[::1]:8787", "ws://x.localhost"]) {
      const [far, here] = [list([OWN]), list([HERE])];
      far.learn(OWN, [near]);
      here.learn(HERE, [near]);
      assert.deepEqual([far.candidates(OWN), here.candidates(HERE)], [[], [near]]);
    }
  });

  it("are one under two spellings", () => {
    const nodes = list([OWN]);
    nodes.learn(OWN, ["wss://OWN.example:443/", OWN]);
    assert.deepEqual(nodes.candidates(undefined), [OWN]);
    assert.equal(nodes.size, 1);
  });

  it("are remembered within bounds, and a learned node's word displaces no configured node's", () => {
    const nodes = list([OWN]);
    nodes.learn(OWN, ["wss://good.example"]);
    for (let i = 0; i < 1_000; i++) nodes.learn("wss://liar.example", [`wss://f${i}.example`]);
    assert.equal(nodes.candidates(OWN).length, 17);
    assert.equal(nodes.candidates(OWN)[0], "wss://good.example");
    nodes.learn(OWN, Array.from({ length: 100 }, (_, i) => `wss://g${i}.example`));
    assert.equal(nodes.candidates(OWN).length, 32);
  });

  it("do not come back by others' words once they turned the peer away", () => {
    const nodes = list([OWN]);
    nodes.learn(OWN, ["wss://a.example"]);
    nodes.refuse("wss://a.example");
    nodes.learn(OWN, ["wss://a.example", "wss://b.example"]);
    assert.deepEqual(nodes.candidates(OWN), ["wss://b.example"]);
  });

  it("are none but the configured ones when nothing is to be learned", () => {
    const nodes = list([OWN], false);
    nodes.learn(OWN, ["wss://a.example"]);
    assert.deepEqual([nodes.candidates(OWN), nodes.candidates(undefined)], [[], [OWN]]);
  });
});
