/** The lab's NATs, classified from inside before anything is measured through them. */
import { fileURLToPath } from "node:url";
import { runtimes } from "../runtimes.ts";
import { Lab } from "./lab.ts";
import { Program } from "./program.ts";
import { BEHAVIOUR, type Behaviour, type Pair, type SharedKind, type SiteKind } from "./site.ts";
import { WIRE } from "./stage.ts";
import { NODE, topology } from "./topology.ts";

/** A pair's network, whoever is to talk in it. */
export type Network = Pick<Pair, "name" | "sites">;

/** A kind of place as its own probe saw it. */
export interface Probed {
  site: string;
  seen: { mapping: string; filtering: string; hairpin?: boolean };
  failures: string[];
}

const PROBE = fileURLToPath(new URL("./stun_probe.ts", import.meta.url));

/** Classifies both sides of a pair's network with a server and a probe that are none of the product. */
export async function probe({ sites }: Network): Promise<Probed[]> {
  await using lab = await Lab.build(topology({ sites }), { delay: WIRE });
  await ask(lab, "node", "serve", sites).event("ready");
  return await classify(lab, sites);
}

/** Asks whatever STUN server the node's addresses hold. */
export async function classify(lab: Lab, sites: Pair["sites"]): Promise<Probed[]> {
  return await Promise.all(
    kindsOf(sites).map(async (site, i) => {
      const { event: _, ...seen } = await ask(lab, HOSTS[i]!, "ask", sites).event("behaviour");
      return compare(site, seen as unknown as Behaviour);
    }),
  );
}

export const HOSTS: string[] = ["host-a", "host-b"];

export function kindsOf(sites: Pair["sites"]): (SiteKind | SharedKind)[] {
  return typeof sites === "string" ? [sites] : [sites.a, sites.b];
}

function ask(lab: Lab, box: string, role: "serve" | "ask", sites: Pair["sites"]): Program {
  const addresses = kindsOf(sites).includes("ipv6") ? NODE.v6 : NODE.v4;
  return new Program(role, lab.spawn(box, [...BUN, PROBE, role, ...addresses]));
}

/** It starts fastest. */
const BUN = runtimes().find(({ name }) => name === "bun")!.command;

function compare(site: SiteKind | SharedKind, seen: Behaviour): Probed {
  const expected = BEHAVIOUR[site];
  const wrong = (Object.keys(expected) as (keyof Behaviour)[]).filter((key) => seen[key] !== expected[key]);
  return { site, seen, failures: wrong.map((key) => `${key} is ${seen[key]}, not ${expected[key]}`) };
}

/** Networks that hold every kind of place between them. */
export const PROBED: Network[] = [
  { name: "open, symmetric", sites: { a: "open", b: "symmetric" } },
  { name: "blocked, double", sites: { a: "blocked", b: "double" } },
  { name: "cone, dual", sites: { a: "cone", b: "dual" } },
  { name: "broken-ipv6, dual", sites: { a: "broken-ipv6", b: "dual" } },
  { name: "ipv6, ipv6", sites: { a: "ipv6", b: "ipv6" } },
  { name: "lan", sites: "lan" },
  { name: "carrier", sites: "carrier" },
  { name: "carrier-hairpin", sites: "carrier-hairpin" },
];
