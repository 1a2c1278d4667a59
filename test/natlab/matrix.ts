import { setTimeout as sleep } from "node:timers/promises";
import type { Program, Told } from "./program.ts";
import type { Pair, Verdict } from "./site.ts";
import { Stage, type Sums } from "./stage.ts";

/** Milliseconds of messages before and after the outcome. */
const TALK = 500;
/** Milliseconds until an attempt must have had its outcome: a second for the link, 5 s from the start, and one more. */
const OUTCOME = 7_000;

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

/** Lets a pair meet, waits for what becomes of its path, and counts. */
export async function row(pair: Pair): Promise<Row> {
  return await meet(pair).catch((error: Error) => ({
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

async function meet(pair: Pair): Promise<Row> {
  await using stage = await Stage.set(pair);
  const [first] = await stage.meet();
  await sleep(TALK);
  const settled = await Promise.all([stage.a, stage.b].map((peer) => outcome(peer)));
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
async function outcome(peer: Program): Promise<number | undefined> {
  const told = await peer.seen("path", { within: OUTCOME, fits: (path) => isOutcome(path) });
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
  { expected, verdict, outcome, sent, received, lost, duplicated, failed }: Omit<Row, "failures">,
): string[] {
  return [
    ...verdict === expected ? [] : [`${verdict} instead of ${expected}`],
    ...outcome === undefined ? [`no outcome within ${OUTCOME} ms`] : [],
    ...sent === received && lost === 0 && duplicated === 0 ? [] : [`${lost} lost, ${duplicated} doubled`],
    ...failed,
  ];
}
