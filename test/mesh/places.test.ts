import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { serviceName, spotsOf } from "../../src/mesh/dns_places.ts";
import { MAX_PLACES, MAX_PLACES_AT_ONCE, MAX_REMEMBERED, REMEMBER } from "../../src/mesh/mesh_limits.ts";
import { type Place, Places, type Surroundings } from "../../src/mesh/places.ts";
import { Remembered } from "../../src/mesh/remembered.ts";
import { idOf } from "./virtual_mesh.ts";

const [a, b] = [idOf(1), idOf(2)] as [PeerId, PeerId];
const ids = await Promise.all(Array.from({ length: 3 }, async () => (await generateIdentity()).id));
const id = ids[0]!;
const url = (name: string) => `wss://${name}.example/`;
const around = (over: Partial<Surroundings> = {}): Surroundings => ({
  alone: false,
  joined: () => false,
  lists: () => false,
  listsUrl: () => false,
  ...over,
});
const urls = (places: Iterable<Place>) => Array.from(places, (place) => place.url);

describe("places where nodes may be found", () => {
  it("belong to the source of highest precedence, whatever the spelling", () => {
    const places = new Places({ list: ["wss://A.example"] });
    places.learn("remembered", [{ url: url("c"), met: b }, { url: url("b"), met: a }]);
    places.learn("dns", [{ url: url("b"), expect: a }, { url: url("a") }]);
    assert.deepEqual([...places].map(({ source, url }) => [source, url]), [
      ["list", "wss://A.example"],
      ["dns", url("b")],
      ["remembered", url("c")],
    ]);
  });

  it("are tried until their node is a member, then left to membership, and again when it was forgotten", () => {
    const places = new Places({ list: [url("a")] });
    places.learn("dns", [{ url: url("b") }, { url: url("c"), expect: b }]);
    assert.deepEqual(urls(places.due(around(), 0)), [url("a"), url("b"), url("c")]);
    const known = around({ listsUrl: (each) => each === url("b"), lists: (node) => node === b });
    assert.deepEqual(urls(places.due(known, 0)), [url("a")], "who answers there is not known yet");
    [...places][0]!.node = b;
    assert.deepEqual(urls(places.due(known, 0)), []);
    assert.deepEqual(urls(places.due(around(), 0)).length, 3, "forgotten");
    assert.deepEqual(urls(places.due({ ...known, alone: true }, 0)).length, 3, "alone");
    assert.deepEqual(urls(places.due({ ...known, alone: true, joined: () => true }, 0)), [url("b")]);
  });

  it("wait while they rest and are not dialled twice at once", () => {
    const places = new Places({ list: [url("a"), url("b")] });
    const [first, second] = [...places] as [Place, Place];
    first.dueAt = 10;
    second.dialling = true;
    assert.deepEqual(urls(places.due(around(), 9)), []);
    assert.deepEqual(urls(places.due(around(), 10)), [url("a")]);
  });

  it("of a source that says something else now are dropped, but keep their pause when they stay", () => {
    const places = new Places({ list: [] });
    places.learn("dns", [{ url: url("a") }, { url: url("b") }]);
    for (const place of places) place.dueAt = 500;
    places.learn("dns", [{ url: url("b") }, { url: url("c") }]);
    assert.deepEqual([...places].map(({ url, dueAt }) => [url, dueAt]), [[url("b"), 500], [url("c"), 0]]);
  });

  it("of a fixed mesh are the list alone, and each is always wanted", () => {
    const places = new Places({ list: [url("a"), url("b")], fixed: true });
    places.learn("dns", [{ url: url("c") }]);
    places.learn("remembered", [{ url: url("d") }]);
    const everybody = around({ lists: () => true, listsUrl: () => true });
    const [first, second] = [...places] as [Place, Place];
    [first.node, second.node] = [a, b];
    assert.deepEqual(urls(places.due(everybody, 0)), [url("a"), url("b")]);
    assert.deepEqual(urls(places.due({ ...everybody, joined: (node) => node === a }, 0)), [url("b")]);
  });

  it("at which the node found itself are none", () => {
    const places = new Places({ list: [url("a")] });
    places.foundMyself("wss://a.example");
    assert.deepEqual(urls(places), []);
    assert(places.isOwn(url("a")));
  });

  it("at which the node found itself are remembered up to a bound, the latest ones", () => {
    const places = new Places({ list: [] });
    for (let i = 0; i < 1_000; i++) places.foundMyself(url(`own${i}`));
    const known = Array.from({ length: 1_000 }, (_, i) => places.isOwn(url(`own${i}`)));
    assert.equal(known.filter((own) => own).length, MAX_PLACES);
    assert(known.at(-1));
  });

  it("never dial more than so many that others named, nor keep more, whatever they say", () => {
    const spot = fc.record({ url: fc.nat(300).map((n) => url(`n${n}`)) });
    const lists = fc.array(
      fc.tuple(fc.constantFrom("dns" as const, "remembered" as const), fc.array(spot, { maxLength: 200 })),
      { maxLength: 6 },
    );
    fc.assert(fc.property(lists, (steps) => {
      const places = new Places({ list: [url("a")] });
      for (const [source, spots] of steps) {
        places.learn(source, spots);
        for (const place of places.due(around({ alone: true }), 0)) place.dialling = true;
        const busy = [...places].filter(({ dialling, source }) => dialling && source !== "list").length;
        assert(busy <= MAX_PLACES_AT_ONCE, `${busy} at once`);
        const count = [...places].length;
        assert(count <= 1 + 2 * (MAX_PLACES + MAX_PLACES_AT_ONCE), `${count} kept`);
      }
    }));
  });
});

describe("records of a domain", () => {
  it("name URLs in TXT, with who answers there, and hosts in SRV by priority and weight", () => {
    const srv = [
      { name: "slow.example", port: 8443, priority: 20, weight: 0 },
      { name: "light.example.", port: 443, priority: 10, weight: 1 },
      { name: "heavy.example", port: 443, priority: 10, weight: 9 },
      { name: ".", port: 0, priority: 0, weight: 0 },
    ];
    const expected = [
      { url: "wss://t.example/edge", expect: id },
      { url: "wss://u.example/", expect: undefined },
      { url: "wss://heavy.example/", expect: undefined },
      { url: "wss://light.example/", expect: undefined },
      { url: "wss://slow.example:8443/", expect: undefined },
    ];
    const wholes = [["url=wss://t.example/edge", `id=${id}`], ["url=wss://u.example v=1"]];
    assert.deepEqual(spotsOf(srv, wholes), { spots: expected, malformed: 0 });
    const parts = wholes.flat().map((text) => [text]); // as Bun gives them
    assert.deepEqual(spotsOf(srv, parts).spots, expected);
    assert.equal(serviceName("x.example"), "_waymeet._tcp.x.example");
  });

  it("that make no sense are counted and harm nothing", () => {
    const txt = [["id=first", "url=http://x.example", "url=", `url=wss://y.example id=nobody`]];
    const { spots, malformed } = spotsOf([{ name: "a b", port: 1, priority: 0, weight: 0 }], txt);
    assert.deepEqual(spots.map(({ url }) => url), ["wss://y.example/"]);
    assert.equal(malformed, 5);
    fc.assert(fc.property(fc.array(fc.array(fc.string())), fc.string(), (txt, name) => {
      for (const { url } of spotsOf([{ name, port: 1, priority: 0, weight: 0 }], txt).spots) {
        assert.match(url, /^wss?:/);
      }
    }));
  });
});

describe("remembered nodes", () => {
  const DAY = 86_400_000;

  it("come back from their text, seen last first, until they are old", () => {
    const before = new Remembered();
    before.saw(ids[0]!, [url("a")], 0);
    before.saw(ids[1]!, [url("b"), url("c")], 5 * DAY);
    before.saw(ids[2]!, [], 5 * DAY);
    const after = new Remembered();
    assert.equal(after.read(before.text("n"), "n", 6 * DAY), undefined);
    assert.deepEqual(after.spots(6 * DAY), [
      { url: url("b"), met: ids[1] },
      { url: url("c"), met: ids[1] },
      { url: url("a"), met: ids[0] },
    ]);
    assert.deepEqual(urls(after.spots(REMEMBER) as Place[]), [url("b"), url("c")]);
  });

  it("are a bounded number, the latest", () => {
    const remembered = new Remembered();
    for (let i = 0; i < 2 * MAX_REMEMBERED; i++) remembered.saw(idOf(i), [url(`n${i}`)], i);
    const kept = remembered.spots(100);
    assert.equal(kept.length, MAX_REMEMBERED);
    assert.equal(kept[0]!.url, url(`n${2 * MAX_REMEMBERED - 1}`));
  });

  it("of another network, and any other text, are refused with the reason, and nothing is taken", () => {
    const remembered = new Remembered();
    const other = new Remembered();
    other.saw(ids[0]!, [url("a")], 0);
    assert.match(remembered.read(other.text("theirs"), "ours", 0)!, /of the network "theirs"/);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.match(remembered.read(text, "ours", 0)!, /not a list/);
    }));
    const wrong = other.text("ours").replace(ids[0]!, "nobody");
    assert.match(remembered.read(wrong, "ours", 0)!, /not a list/);
    assert.deepEqual(remembered.spots(0), []);
  });
});
