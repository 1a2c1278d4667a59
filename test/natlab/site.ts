/**
 * What the lab knows of networks: the kinds of place a peer can be at, and which pairs
 * of them a hole can be punched between.
 *
 * NAT behaviour in the terms of RFC 4787 §4 and §5.
 *
 * @module
 */

import type { RuntimeName } from "../runtimes.ts";

/** Where one peer is. */
export type SiteKind =
  /** A public IPv4 address, nothing filtered. */
  | "open"
  /** Endpoint-independent mapping, address-and-port-dependent filtering. */
  | "cone"
  /** Address-and-port-dependent mapping and filtering. */
  | "symmetric"
  /** A cone NAT that lets TCP through, and no UDP. */
  | "blocked"
  /** A cone NAT at home, behind another of the carrier. */
  | "double"
  /** IPv6 behind a stateful firewall, no IPv4. */
  | "ipv6"
  /** A cone NAT for IPv4, a stateful firewall for IPv6. */
  | "dual"
  /** As `dual`, but the gateway drops all IPv6: the host has an address and a route, and gets no answer. */
  | "broken-ipv6";

/** Where two peers are that have a network in common. */
export type SharedKind =
  /** Two hosts at one switch behind one cone NAT. */
  | "lan"
  /** A home NAT each, behind one NAT of the carrier that sends nothing back inside. */
  | "carrier"
  /** The same, but a packet to the carrier's own public address comes back inside (RFC 4787 §6). */
  | "carrier-hairpin";

/** How a pair is expected to talk in the end. */
export type Verdict = "direct" | "relay";

/** One cell of the matrix: `a` dials `b`. */
export interface Pair {
  name: string;
  sites: { a: SiteKind; b: SiteKind } | SharedKind;
  expected: Verdict;
  /** Where `a` and `b` run. Default: Node. */
  runtimes?: [RuntimeName, RuntimeName];
}

const SITES = ["open", "cone", "symmetric", "blocked", "double"] as const;

/** Rows dial, columns answer. A port-restricted side needs the port that the other sends from beforehand: a symmetric NAT makes a new one. */
const EXPECTED: Record<typeof SITES[number], Record<typeof SITES[number], Verdict>> = {
  open: { open: "direct", cone: "direct", symmetric: "direct", blocked: "relay", double: "direct" },
  cone: { open: "direct", cone: "direct", symmetric: "relay", blocked: "relay", double: "direct" },
  symmetric: { open: "direct", cone: "relay", symmetric: "relay", blocked: "relay", double: "relay" },
  blocked: { open: "relay", cone: "relay", symmetric: "relay", blocked: "relay", double: "relay" },
  double: { open: "direct", cone: "direct", symmetric: "relay", blocked: "relay", double: "direct" },
};

/** Every ordered pair of sites, then the pairs with a network in common and those with IPv6. */
export function pairs(): Pair[] {
  const crossed = SITES.flatMap((a) => SITES.map((b) => cross(a, b, EXPECTED[a][b])));
  return [
    ...crossed,
    { name: "lan", sites: "lan", expected: "direct" },
    { name: "carrier", sites: "carrier", expected: "relay" },
    { name: "carrier-hairpin", sites: "carrier-hairpin", expected: "direct" },
    cross("ipv6", "ipv6", "direct"),
    cross("dual", "dual", "direct"),
    // No family in common but through the node, which speaks both.
    cross("ipv6", "cone", "relay"),
    cross("dual", "broken-ipv6", "direct"),
    cross("broken-ipv6", "dual", "direct"),
  ];
}

/** The pairs that do not run on Node at both ends. */
const ELSEWHERE: Record<string, [RuntimeName, RuntimeName]> = {
  "open×cone": ["bun", "node"],
  "cone×open": ["node", "deno"],
  "cone×double": ["bun", "deno"],
  "double×cone": ["deno", "bun"],
  "symmetric×open": ["deno", "node"],
  "open×symmetric": ["node", "bun"],
  "symmetric×symmetric": ["bun", "deno"],
  "blocked×blocked": ["deno", "bun"],
};

function cross(a: SiteKind, b: SiteKind, expected: Verdict): Pair {
  const name = `${a}×${b}`;
  const elsewhere = ELSEWHERE[name];
  return { name, sites: { a, b }, expected, ...elsewhere ? { runtimes: elsewhere } : {} };
}

/** A NAT's behaviour as a probe sees it from inside (RFC 4787). */
export interface Behaviour {
  /** `none`: the host's own address is the public one. */
  mapping: "none" | "endpoint-independent" | "address-dependent" | "address-and-port-dependent" | "blocked";
  filtering: "endpoint-independent" | "address-dependent" | "address-and-port-dependent" | "blocked";
  /** Two sockets inside reach each other by their public addresses. */
  hairpin: boolean;
}

const NO_NAT: Behaviour = { mapping: "none", filtering: "endpoint-independent", hairpin: true };
const CONE: Behaviour = {
  mapping: "endpoint-independent",
  filtering: "address-and-port-dependent",
  hairpin: false,
};

/** What each place is held to be before anything is measured through it. */
export const BEHAVIOUR: Record<SiteKind | SharedKind, Behaviour> = {
  open: NO_NAT,
  cone: CONE,
  symmetric: { ...CONE, mapping: "address-and-port-dependent" },
  blocked: { mapping: "blocked", filtering: "blocked", hairpin: false },
  double: CONE,
  ipv6: { ...NO_NAT, filtering: "address-and-port-dependent" },
  dual: CONE,
  "broken-ipv6": CONE,
  lan: CONE,
  carrier: CONE,
  "carrier-hairpin": { ...CONE, hairpin: true },
};
