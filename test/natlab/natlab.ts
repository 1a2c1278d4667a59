/**
 * `npm run natlab [-- --json] [-- --only REGEX]`: pairs of peers behind every pair of NATs,
 * real nodes, real traffic, in network namespaces that this program makes and removes.
 * Exits with 0 only if each pair talked as expected and nothing was lost or doubled.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { whyNot } from "./lab.ts";
import { diagnose } from "./doctor.ts";
import { type Row, row } from "./matrix.ts";
import { probe, PROBED, type Probed } from "./probe.ts";
import { play, type Result, SCENARIOS, type Times, timesToDirect } from "./scenarios.ts";
import { pairs } from "./site.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string", default: "" } },
});
const only = new RegExp(values.only);

function say(text: string): void {
  (values.json ? process.stderr : process.stdout).write(`${text}\n`);
}

function milliseconds(value: number | undefined): string {
  return (value === undefined ? "–" : value.toFixed(0)).padStart(6);
}

function wrong(failures: string[]): string {
  return failures.map((each) => `\n    WRONG: ${each}`).join("");
}

function tellProbed({ site, seen, failures }: Probed): void {
  const { mapping, filtering, hairpin } = seen;
  const back = hairpin === undefined ? "" : hairpin ? ", hairpin" : ", no hairpin";
  say(`${site.padEnd(34)} mapping ${mapping}, filtering ${filtering}${back}${wrong(failures)}`);
}

const ROWS = `${"a×b: a dials".padEnd(28)} path      first outcome   sent lost/doubled, why`;

function tellRow(row: Row): void {
  const { pair, verdict, first, outcome, sent, lost, duplicated, why, failures } = row;
  const times = `${milliseconds(first)}  ${milliseconds(outcome)}`;
  const counts = `${String(sent).padStart(6)} ${lost}/${duplicated}`;
  say(`${pair.padEnd(28)} ${verdict.padEnd(8)} ${times} ${counts}  ${why.a}${wrong(failures)}`);
}

function tellResult({ scenario, measured, sent, lost, duplicated, failures }: Result): void {
  const figures = Object.entries(measured).map(([name, value]) =>
    `${name} ${typeof value === "number" ? `${value.toFixed(0)} ms` : value}`
  );
  say(`${scenario}: ${figures.join(", ")}; ${sent} sent ${lost}/${duplicated}${wrong(failures)}`);
}

function tellTimes({ median, times, failures }: Times): void {
  const all = times.map((time) => time.toFixed(0)).join(" ");
  say(`cone×cone, from dial() to direct: median ${median.toFixed(0)} ms of ${all}${wrong(failures)}`);
}

/** Does `act` with everything whose name `--only` knows, one after the other. */
async function each<T, R extends { failures: string[] }>(
  things: T[],
  name: (thing: T) => string,
  act: (thing: T) => Promise<R[]>,
  tell: (result: R) => void,
): Promise<R[]> {
  const results: R[] = [];
  for (const thing of things.filter((one) => only.test(name(one)))) {
    for (const result of await act(thing)) {
      results.push(result);
      tell(result);
    }
  }
  return results;
}

async function measure(): Promise<{ failures: string[] }[]> {
  say("the lab's NATs, by a probe of their own");
  const sites = await each(PROBED, ({ name }) => `probe ${name}`, probe, tellProbed);
  say("\nthe same by waymeet");
  const doctors = await each(PROBED, ({ name }) => `doctor ${name}`, diagnose, tellProbed);
  say(`\nmilliseconds from dial(); before, during and after the attempt both sides talk\n${ROWS}`);
  const rows = await each(pairs(), ({ name }) => name, async (pair) => [await row(pair)], tellRow);
  say("");
  const scenarios = await each(
    SCENARIOS,
    ({ name }) => name,
    async (one) => [await play(one)],
    tellResult,
  );
  const times = await each([RUNS], () => "time to direct", async (n) => [await timesToDirect(n)], tellTimes);
  if (values.json) console.log(JSON.stringify({ sites, doctors, pairs: rows, scenarios, times }, null, 2));
  return [...sites, ...doctors, ...rows, ...scenarios, ...times];
}

/** Enough for a median. */
const RUNS = 11;

async function main(): Promise<number> {
  const reason = whyNot();
  if (reason === undefined) return (await measure()).some(({ failures }) => failures.length > 0) ? 1 : 0;
  say(`skipped: ${reason}`);
  if (values.json) console.log(JSON.stringify({ skipped: reason }));
  return 0;
}

process.exit(await main());
