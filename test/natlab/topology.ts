/**
 * From a pair of sites to namespaces, wires, addresses and rules: pure, nothing is run here.
 *
 * Every namespace hangs by one interface `wan` from the one above it and has its own
 * clients at a switch `lan`; `core` is the internet.
 *
 *     host-a ─ gate-a ─┐            ┌─ gate-b ─ host-b
 *                      core ─ node
 *
 * @module
 */
import { type Gateway, gatewayRules, openRules } from "./gateway.ts";
import type { Pair, SharedKind, SiteKind } from "./site.ts";

/** One namespace and its way up. */
export interface Box {
  name: string;
  above: string;
  up: Addresses;
  /** For a box that has clients: its own addresses at its switch, and what it does to their packets. */
  inside?: Addresses;
  gateway?: Gateway;
}

/** With the prefix length, `via` without: `{ v4: ["203.0.113.2/30"], via4: "203.0.113.1" }`. */
export interface Addresses {
  v4: string[];
  v6: string[];
  via4?: string;
  via6?: string;
}

export interface Topology {
  boxes: Box[];
  /** Boxes at the internet, each with `core`'s own addresses on that wire. */
  wires: { box: string; core: Addresses }[];
}

/** The node's addresses: two of each family, so that a probe can tell mappings apart (RFC 5780 §4.3). */
export const NODE = {
  host: "meet.test",
  v4: ["198.51.100.1", "198.51.100.2"],
  v6: ["2001:db8:ffff::1", "2001:db8:ffff::2"],
  /** 3478 is STUN's own; the other is as good as any. */
  stun: ["3478", "3479"],
} as const;

type Side = "a" | "b";
const INDEX: Record<Side, number> = { a: 1, b: 2 };

/** The boxes for a pair. */
export function topology({ sites }: Pick<Pair, "sites">): Topology {
  const node = nodeBox();
  const sided = typeof sites === "string" ? shared(sites) : [...site(sites.a, "a"), ...site(sites.b, "b")];
  const boxes = [node, ...sided];
  const wires = boxes.filter(({ above }) => above === "core").map((box) => ({
    box: box.name,
    core: coreEnd(box.up),
  }));
  return { boxes, wires };
}

function nodeBox(): Box {
  const v4 = NODE.v4.map((address) => `${address}/29`);
  const v6 = NODE.v6.map((address) => `${address}/64`);
  return { name: "node", above: "core", up: { v4, v6, via4: "198.51.100.6", via6: "2001:db8:ffff::ff" } };
}

function coreEnd({ via4, via6 }: Addresses): Addresses {
  const four = via4 === undefined ? [] : [`${via4}/${via4 === "198.51.100.6" ? 29 : 30}`];
  return { v4: four, v6: via6 === undefined ? [] : [`${via6}/64`] };
}

/** A public uplink for side 1 or 2. */
function publicly(side: Side, families: Families): Addresses {
  const i = INDEX[side];
  return {
    v4: families.v4 ? [`203.0.113.${4 * i + 2}/30`] : [],
    v6: families.v6 ? [`2001:db8:${i}::2/64`] : [],
    ...families.v4 ? { via4: `203.0.113.${4 * i + 1}` } : {},
    ...families.v6 ? { via6: `2001:db8:${i}::1` } : {},
  };
}

interface Families {
  v4: boolean;
  v6: boolean;
}

const V4: Families = { v4: true, v6: false };
const V6: Families = { v4: false, v6: true };
const BOTH: Families = { v4: true, v6: true };

/** A gateway's own end of its switch, or a client's (`host` 2, 3 …) with the gateway as its way out. */
function inside(prefix: string, side: Side, families: Families, host: number): Addresses {
  const six = `2001:db8:${INDEX[side]}:1`;
  return {
    v4: families.v4 ? [`${prefix}.${host}/24`] : [],
    v6: families.v6 ? [`${six}::${host}/64`] : [],
    ...host > 1 && families.v4 ? { via4: `${prefix}.1` } : {},
    ...host > 1 && families.v6 ? { via6: `${six}::1` } : {},
  };
}

function site(kind: SiteKind, side: Side): Box[] {
  switch (kind) {
    case "open":
      return [{ name: `host-${side}`, above: "core", up: publicly(side, V4) }];
    case "cone":
      return behind(side, V4, { mapping: "cone" });
    case "symmetric":
      return behind(side, V4, { mapping: "symmetric" });
    case "blocked":
      return behind(side, V4, { mapping: "cone", udp: "blocked" });
    case "double":
      return [carrier(side, { mapping: "cone" }), ...home(side, `carrier-${side}`, side, 2)];
    case "ipv6":
      return behind(side, V6, { mapping: "cone" });
    case "dual":
      return behind(side, BOTH, { mapping: "cone" });
    case "broken-ipv6":
      return behind(side, BOTH, { mapping: "cone", ipv6: "dropped" });
  }
}

function behind(side: Side, families: Families, gateway: Gateway): Box[] {
  const lan = `192.168.${INDEX[side]}`;
  return [
    {
      name: `gate-${side}`,
      above: "core",
      up: publicly(side, families),
      inside: inside(lan, side, families, 1),
      gateway,
    },
    { name: `host-${side}`, above: `gate-${side}`, up: inside(lan, side, families, 2) },
  ];
}

function carrier(side: Side, gateway: Gateway): Box {
  return {
    name: `carrier-${side}`,
    above: "core",
    up: publicly(side, V4),
    inside: inside("100.64.0", side, V4, 1),
    gateway,
  };
}

/** A home behind a carrier's NAT, `place` of its clients. */
function home(side: Side, above: string, carrierSide: Side, place: number): Box[] {
  const lan = `192.168.${INDEX[side]}`;
  return [
    {
      name: `gate-${side}`,
      above,
      up: inside("100.64.0", carrierSide, V4, place),
      inside: inside(lan, side, V4, 1),
      gateway: { mapping: "cone" },
    },
    { name: `host-${side}`, above: `gate-${side}`, up: inside(lan, side, V4, 2) },
  ];
}

function shared(kind: SharedKind): Box[] {
  if (kind === "lan") {
    const second = { name: "host-b", above: "gate-a", up: inside("192.168.1", "a", V4, 3) };
    return [...behind("a", V4, { mapping: "cone" }), second];
  }
  const hairpin = kind === "carrier-hairpin";
  const above = carrier("a", hairpin ? { mapping: "cone", hairpin } : { mapping: "cone" });
  return [above, ...home("a", "carrier-a", "a", 2), ...home("b", "carrier-a", "a", 3)];
}

/** The box's nft ruleset. */
export function rulesOf(box: Box): string {
  return box.gateway === undefined ? openRules() : gatewayRules(box.gateway, box.up.v4[0]?.split("/")[0]);
}
