import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { runtimes } from "../runtimes.ts";
import { Lab } from "./lab.ts";
import { Program, type Told } from "./program.ts";
import {
  BEHAVIOUR,
  type Behaviour,
  type Pair,
  type SharedKind,
  type SiteKind,
  type Verdict,
} from "./site.ts";
import { Stage, startNode, type Sums, WIRE } from "./stage.ts";
import { NODE, topology } from "./topology.ts";

/** Milliseconds of messages before and after the outcome. */
const TALK = 500;
/** Milliseconds until an attempt must have had its outcome: its 5 s, and one more. */
const OUTCOME = 6_000;

/** How a pair got on. */
export interface Row extends Sums {
  pair: string;
  runtimes: string;
  expected: Verdict;
  verdict: string;
  /** `link.path.why` of both sides in the end. */
  why: { a: string; b: string };
  /** Milliseconds from `dial()` to the acknowledgement of the first message. */
  first: number;
  /** Milliseconds from `dial()` to the direct path, or to the attempt's other outcome. */
  outcome: number | undefined;
  /** Sends that were rejected. */
  failed: string[];
  /** Whatever is not as expected. */
  failures: string[];
}

/** Lets a pair meet, waits `patience` ms for what becomes of its path, and counts. */
export async function row(pair: Pair, patience: number = OUTCOME): Promise<Row> {
  return await meet(pair, patience).catch((error: Error) => ({
    ...NOTHING,
    pair: pair.name,
    expected: pair.expected,
    failed: [error.message],
    failures: [error.message],
  }));
}

const NOTHING = {
  runtimes: "",
  verdict: "none",
  why: { a: "", b: "" },
  first: NaN,
  outcome: undefined,
  sent: 0,
  received: 0,
  lost: 0,
  duplicated: 0,
};

async function meet(pair: Pair, patience: number): Promise<Row> {
  await using stage = await Stage.set(pair);
  const [first] = await stage.meet();
  await sleep(TALK);
  const settled = await Promise.all([stage.a, stage.b].map((peer) => outcome(peer, patience)));
  await sleep(TALK);
  const sums = await stage.conclude();
  const [a, b] = [stage.a, stage.b].map((peer) => lastPath(peer)) as [Told, Told];
  const rest = {
    pair: pair.name,
    runtimes: (pair.runtimes ?? ["node", "node"]).join(" → "),
    expected: pair.expected,
    verdict: a["kind"] === b["kind"] ? String(a["kind"]) : `${a["kind"]} / ${b["kind"]}`,
    why: { a: String(a["why"]), b: String(b["why"]) },
    first: Number(first["after"]),
    outcome: settled[0],
    failed: [stage.a, stage.b].flatMap((peer) => failed(peer)),
    ...sums,
  };
  return { ...rest, failures: judge(rest) };
}

/** When the path became direct, or the attempt's failure was told. */
async function outcome(peer: Program, within: number): Promise<number | undefined> {
  const told = await peer.seen("path", { within, fits: (path) => isOutcome(path) });
  return told && Number(told["after"]);
}

function isOutcome({ kind, why }: Told): boolean {
  return kind !== "relay" || /\bended\b/.test(String(why));
}

function lastPath({ told }: Program): Told {
  return told.findLast(({ event }) => event === "path")!;
}

function failed({ name, told }: Program): string[] {
  return told.filter(({ event }) => event === "failed").map(({ why }) => `${name}: ${why}`);
}

function judge(
  { expected, verdict, sent, received, lost, duplicated, failed }: Omit<Row, "failures">,
): string[] {
  return [
    ...verdict === expected ? [] : [`${verdict} instead of ${expected}`],
    ...sent === received && lost === 0 && duplicated === 0 ? [] : [`${lost} lost, ${duplicated} doubled`],
    ...failed,
  ];
}

/** A kind of place as its own probe saw it. */
export interface Probed {
  site: string;
  seen: Behaviour;
  failures: string[];
}

const PROBE = fileURLToPath(new URL("./stun_probe.ts", import.meta.url));

/** Classifies both sides of a pair's network with a server and a probe that are none of the product. */
export async function probe({ sites }: Pick<Pair, "sites">): Promise<Probed[]> {
  await using lab = await Lab.build(topology({ sites }), { delay: WIRE });
  await ask(lab, "node", "serve", sites).event("ready");
  return await classify(lab, sites);
}

/** The same by the STUN server of a node: what it answers must be as true. */
export async function probeThroughNode({ sites }: Pick<Pair, "sites">): Promise<Probed[]> {
  await using lab = await Lab.build(topology({ sites }), { delay: WIRE });
  const home = mkdtempSync(join(tmpdir(), "waymeet-natlab-"));
  try {
    await startNode(lab, home);
    return await classify(lab, sites);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function classify(lab: Lab, sites: Pair["sites"]): Promise<Probed[]> {
  return await Promise.all(
    kindsOf(sites).map(async (site, i) => {
      const { event: _, ...seen } = await ask(lab, HOSTS[i]!, "ask", sites).event("behaviour");
      return compare(site, seen as unknown as Behaviour);
    }),
  );
}

const HOSTS = ["host-a", "host-b"];

function kindsOf(sites: Pair["sites"]): (SiteKind | SharedKind)[] {
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
export const PROBED: Pick<Pair, "name" | "sites">[] = [
  { name: "open, symmetric", sites: { a: "open", b: "symmetric" } },
  { name: "blocked, double", sites: { a: "blocked", b: "double" } },
  { name: "cone, dual", sites: { a: "cone", b: "dual" } },
  { name: "broken-ipv6, dual", sites: { a: "broken-ipv6", b: "dual" } },
  { name: "ipv6, ipv6", sites: { a: "ipv6", b: "ipv6" } },
  { name: "lan", sites: "lan" },
  { name: "carrier", sites: "carrier" },
  { name: "carrier-hairpin", sites: "carrier-hairpin" },
];
