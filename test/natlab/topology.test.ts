import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pair, pairs } from "./site.ts";
import { type Box, rulesOf, topology } from "./topology.ts";

const all = pairs().map((pair) => ({ pair, ...topology(pair) }));
const addresses = ({ up, inside }: Box): string[] =>
  [up, inside].flatMap((each) => [...each?.v4 ?? [], ...each?.v6 ?? []]);

describe("the lab's networks", () => {
  it("have one host on each side, and one node", () => {
    for (const { pair, boxes } of all) {
      const names = boxes.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, pair.name);
      for (const name of ["node", "host-a", "host-b"]) assert(names.includes(name), `${pair.name}: ${name}`);
    }
  });

  it("give nobody an address that another has at the same switch", () => {
    for (const { pair, boxes, wires } of all) {
      const above = boxes.map(({ above, up }) => [...up.v4, ...up.v6].map((own) => `${above} ${own}`));
      const inside = boxes.map(({ name, inside }) =>
        [...inside?.v4 ?? [], ...inside?.v6 ?? []].map((own) => `${name} ${own}`)
      );
      const core = wires.map(({ core }) => [...core.v4, ...core.v6].map((own) => `core ${own}`));
      const given = [...above, ...inside, ...core].flat();
      assert.equal(new Set(given).size, given.length, pair.name);
    }
  });

  it("name interfaces with 15 characters at most, as Linux demands", () => {
    for (const { boxes } of all) for (const { name } of boxes) assert(`far-${name}`.length <= 15, name);
  });

  it("use addresses for documentation and private use alone", () => {
    const ours = /^(198\.51\.100|203\.0\.113|192\.168|100\.64|2001:db8)[.:]/;
    for (const { boxes } of all) for (const each of boxes.flatMap(addresses)) assert.match(each, ours);
  });

  it("drop at every gateway what came in from outside and nobody asked for", () => {
    for (const { boxes } of all) {
      for (const box of boxes.filter(({ gateway }) => gateway)) {
        assert.match(rulesOf(box), /hook input [^}]*iifname "wan" drop/);
        assert.match(rulesOf(box), /hook forward priority filter; policy drop/);
      }
    }
  });
});

describe("the verdicts", () => {
  it("do not depend on who dials", () => {
    const byName = new Map(pairs().map((pair) => [pair.name, pair]));
    for (const { sites, expected } of pairs()) {
      if (typeof sites === "string") continue;
      const turned: Pair | undefined = byName.get(`${sites.b}×${sites.a}`);
      if (turned) assert.equal(turned.expected, expected, turned.name);
    }
  });
});
