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
import { Stage, type Sums, WIRE } from "./stage.ts";
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

/** Classifies both sides of a pair's network, without any of the product in it. */
export async function probe({ sites }: Pick<Pair, "sites">): Promise<Probed[]> {
  await using lab = await Lab.build(topology({ sites }), { delay: WIRE });
  const kinds: (SiteKind | SharedKind)[] = typeof sites === "string" ? [sites] : [sites.a, sites.b];
  const addresses = kinds.includes("ipv6") ? NODE.v6 : NODE.v4;
  const run = (box: string, role: string): Program =>
    new Program(role, lab.spawn(box, [...BUN, PROBE, role, ...addresses]));
  await run("node", "serve").event("ready");
  return await Promise.all(kinds.map(async (site, i) => {
    const { event: _, ...seen } = await run(["host-a", "host-b"][i]!, "ask").event("behaviour");
    return compare(site, seen as unknown as Behaviour);
  }));
}

/** It starts fastest. */
const BUN = runtimes().find(({ name }) => name === "bun")!.command;

function compare(site: SiteKind | SharedKind, seen: Behaviour): Probed {
  const expected = BEHAVIOUR[site];
  const wrong = (Object.keys(expected) as (keyof Behaviour)[]).filter((key) => seen[key] !== expected[key]);
  return { site, seen, failures: wrong.map((key) => `${key} is ${seen[key]}, not ${expected[key]}`) };
}

/** Networks that hold every kind of place between them. */
export const PROBED: Pick<Pair, "sites">[] = [
  { sites: { a: "open", b: "symmetric" } },
  { sites: { a: "blocked", b: "double" } },
  { sites: { a: "cone", b: "dual" } },
  { sites: { a: "broken-ipv6", b: "dual" } },
  { sites: { a: "ipv6", b: "ipv6" } },
  { sites: "lan" },
  { sites: "carrier" },
  { sites: "carrier-hairpin" },
];
