/** What can become of a direct path between two cone NATs while messages and a stream are on it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LabOptions } from "./lab.ts";
import type { Program, Told } from "./program.ts";
import type { Pair, Verdict } from "./site.ts";
import { Stage, type Sums } from "./stage.ts";

/** What one scenario measured, in milliseconds unless its name says otherwise. */
export interface Result extends Sums {
  scenario: string;
  measured: Record<string, number | string>;
  failures: string[];
}

interface Scenario {
  name: string;
  pair: Pair;
  lab?: LabOptions;
  play(stage: Stage): Promise<Pick<Result, "measured" | "failures">>;
}

const CONES: Pair = { name: "cone×cone", sites: { a: "cone", b: "cone" }, expected: "direct" };

const FAR: Pair = { name: "far", sites: { a: "cone", b: "symmetric" }, expected: "relay" };

/** A dead direct path must be left within this, ms (the issue's own figure). */
const LEAVE = 1_000;
/** Milliseconds for a path to come up, with what a flapped path waits before its next try. */
const COME = 40_000;
/** 12 s of a stream that a path with 40 ms of round trip carries easily. */
const BYTES = 12_000_000;
const RATE = 1_000_000;

export const SCENARIOS: Scenario[] = [
  { pair: CONES, name: "cut and mended under a stream", play: cut },
  { pair: CONES, name: "NAT mapping changes", play: remap },
  { pair: CONES, name: "blackhole for all but small packets", play: narrow },
  { pair: CONES, name: "2 % loss and slower than the relay", play: lossy },
  { pair: FAR, lab: { delay: 80, names: "all" }, name: "far node of two families, one usable", play: far },
];

/** Plays one scenario; whatever it is about, no message may be lost or doubled. */
export async function play(scenario: Scenario): Promise<Result> {
  const nothing = { sent: 0, received: 0, lost: 0, duplicated: 0 };
  return await act(scenario).catch((error: Error) => {
    return { scenario: scenario.name, measured: {}, ...nothing, failures: [error.message] };
  });
}

async function act(scenario: Scenario): Promise<Result> {
  await using stage = await Stage.set(scenario.pair, scenario.lab);
  await stage.meet();
  const { expected } = scenario.pair;
  await Promise.all([stage.a, stage.b].map((peer) => onPath(peer, expected)));
  const { measured, failures } = await scenario.play(stage);
  const sums = await stage.conclude();
  return { scenario: scenario.name, measured, ...sums, failures: [...failures, ...counted(sums)] };
}

function counted({ sent, received, lost, duplicated }: Sums): string[] {
  return sent === received && lost === 0 && duplicated === 0
    ? []
    : [`${lost} messages lost, ${duplicated} doubled`];
}

/** Waits for the next news that a peer is on this kind of path. */
function onPath(peer: Program, kind: Verdict, since: number = 0): Promise<Told> {
  return peer.event("path", { since, within: COME, fits: (told) => told["kind"] === kind });
}

/** From now until both peers are on another path: milliseconds, and how each explains it. */
async function both(stage: Stage, kind: Verdict, act: () => void): Promise<{ took: number; why: string }> {
  const since = [stage.a, stage.b].map(({ told }) => told.length);
  const began = Date.now();
  act();
  const told = await Promise.all([stage.a, stage.b].map((peer, i) => onPath(peer, kind, since[i])));
  return { took: Math.max(...told.map(({ at }) => Number(at))) - began, why: String(told[0]!["why"]) };
}

async function cut(stage: Stage): Promise<Pick<Result, "measured" | "failures">> {
  const sent = stage.a.ask({ order: "stream", bytes: BYTES, rate: RATE }, "stream sent");
  const received = stage.b.event("stream received", { within: COME });
  await sleep(1_000);
  mark(stage);
  const left = await both(stage, "relay", () => stage.lab.nft("core", DROP_UDP));
  await sleep(1_000);
  const silence = await silences(stage);
  const back = await both(stage, "direct", () => stage.lab.nft("core", MEND));
  const [here, there] = [await sent, await received];
  return {
    measured: {
      leave: left.took,
      silence,
      "stream's silence": Number(there["silence"]),
      back: back.took,
      why: left.why,
    },
    failures: [
      ...within("left the dead path", left.took, LEAVE),
      ...within("messages stood still for", silence, LEAVE + 200),
      ...here["sha256"] === there["sha256"] ? [] : ["the stream's SHA-256 differs"],
    ],
  };
}

/** UDP mappings are forgotten, and the next ones have other ports: that data channel is dead for good. */
async function remap(stage: Stage): Promise<Pick<Result, "measured" | "failures">> {
  mark(stage);
  const left = await both(stage, "relay", () => {
    stage.lab.nft("gate-a", OTHER_PORTS);
    stage.lab.forgetMappings("gate-a");
  });
  await sleep(1_000);
  const silence = await silences(stage);
  const back = await both(stage, "direct", () => {});
  return {
    measured: { leave: left.took, silence, back: back.took, why: left.why },
    failures: [
      ...within("left the dead path", left.took, LEAVE),
      ...within("messages stood still for", silence, LEAVE + 200),
    ],
  };
}

/** Probes come through, messages of any size do not: what a broken path MTU discovery looks like. */
async function narrow(stage: Stage): Promise<Pick<Result, "measured" | "failures">> {
  stage.lab.nft("core", "add rule inet core between meta l4proto udp udp length > 400 drop");
  const received = stage.b.event("stream received", { within: COME });
  const left = both(stage, "relay", () => stage.a.order({ order: "stream", bytes: RATE, rate: RATE }));
  const there = await received;
  const { took, why } = await left;
  return {
    measured: { leave: took, "stream's silence": Number(there["silence"]), why },
    failures: within("the stream stood still for", Number(there["silence"]), 3 * LEAVE),
  };
}

/** The stream's sender must end on the relay for this reason, however often the two were compared. */
async function lossy(stage: Stage): Promise<Pick<Result, "measured" | "failures">> {
  const sent = stage.a.ask({ order: "stream", bytes: BYTES, rate: RATE }, "stream sent");
  const received = stage.b.event("stream received", { within: 2 * COME });
  const { took } = await both(stage, "relay", () => {
    stage.lab.delay({ udp: SLOWER });
    stage.lab.nft("core", "add rule inet core between meta l4proto udp numgen random mod 100 < 2 drop");
  });
  const [here, there] = [await sent, await received];
  const { kind, why } = stage.a.told.findLast(({ event }) => event === "path")!;
  return {
    measured: { leave: took, "stream's silence": Number(there["silence"]), why: String(why) },
    failures: [
      ...kind === "relay" && /\b(lost|carried) \d.* against \d/.test(String(why))
        ? []
        : [`in the end it is ${kind}: ${why}`],
      ...here["sha256"] === there["sha256"] ? [] : ["the stream's SHA-256 differs"],
    ],
  };
}

/** One-way milliseconds more a wire for UDP: twice the relay's round trip. */
const SLOWER = 40;
/**
 * 320 ms there and back, hosts with IPv4 alone, a name with both families: what connects
 * to addresses one by one and gives each 250 ms (Node's default) never arrives (RFC 8305 §5).
 */
function far(): Promise<Pick<Result, "measured" | "failures">> {
  return Promise.resolve({ measured: {}, failures: [] });
}

const DROP_UDP = "add rule inet core between meta l4proto udp drop";
const MEND = "flush chain inet core between";
const OTHER_PORTS = `
flush chain inet gateway postrouting
add rule inet gateway postrouting oifname "wan" meta l4proto udp masquerade to :20000-29999
add rule inet gateway postrouting oifname "wan" meta nfproto ipv4 masquerade
`;

function mark(stage: Stage): void {
  for (const peer of [stage.a, stage.b]) peer.order({ order: "mark" });
}

/** The longest time for which either side received nothing since {@link mark}. */
async function silences(stage: Stage): Promise<number> {
  const reports = await Promise.all(
    [stage.a, stage.b].map((peer) => peer.ask({ order: "report" }, "report")),
  );
  return Math.max(...reports.map(({ silence }) => Number(silence)));
}

function within(what: string, took: number, limit: number): string[] {
  return took <= limit ? [] : [`${what} ${took.toFixed(0)} ms, not ${limit}`];
}

/** Times from `dial()` to the direct path. */
export interface Times {
  median: number;
  /** Milliseconds, in order of size. */
  times: number[];
  failures: string[];
}

/** The issue's own figure, ms. */
const MEDIAN = 500;

/** Lets two peers behind cone NATs meet anew, run after run. */
export async function timesToDirect(runs: number): Promise<Times> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await timeToDirect().catch(() => Infinity));
  times.sort((one, other) => one - other);
  const median = times[times.length >> 1]!;
  return { median, times, failures: within("the median was", median, MEDIAN) };
}

async function timeToDirect(): Promise<number> {
  await using stage = await Stage.set(CONES);
  await stage.meet();
  return Number((await onPath(stage.a, "direct"))["after"]);
}
