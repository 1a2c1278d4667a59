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
import { probe, PROBED, type Probed, type Row, row } from "./matrix.ts";
import { pairs } from "./site.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string", default: "" } },
});
const only = new RegExp(values.only);

const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);

function milliseconds(value: number | undefined): string {
  return (value === undefined ? "–" : value.toFixed(0)).padStart(6);
}

function tellProbed({ site, seen, failures }: Probed): void {
  const hairpin = seen.hairpin ? "hairpin" : "no hairpin";
  say(
    `${site.padEnd(20)} mapping ${seen.mapping}, filtering ${seen.filtering}, ${hairpin}${wrong(failures)}`,
  );
}

function tellRow(row: Row): void {
  const { pair, verdict, first, outcome, sent, lost, duplicated, failures } = row;
  const numbers = `${milliseconds(first)} ${milliseconds(outcome)} ${
    String(sent).padStart(6)
  } ${lost}/${duplicated}`;
  say(`${pair.padEnd(20)} ${verdict.padEnd(8)} ${numbers}  ${row.why.a}${wrong(failures)}`);
}

function wrong(failures: string[]): string {
  return failures.map((each) => `\n    WRONG: ${each}`).join("");
}

async function main(): Promise<number> {
  const reason = whyNot();
  if (reason !== undefined) {
    say(`skipped: ${reason}`);
    if (values.json) console.log(JSON.stringify({ skipped: reason }));
    return 0;
  }
  const sites: Probed[] = [];
  for (const network of PROBED) {
    for (const probed of await probe(network)) {
      tellProbed(probed);
      sites.push(probed);
    }
  }
  say(
    `\n${"a×b: a dials".padEnd(20)} path      first direct   sent lost/doubled  (milliseconds from dial())`,
  );
  const rows: Row[] = [];
  for (const pair of pairs().filter(({ name }) => only.test(name))) {
    rows.push(await row(pair));
    tellRow(rows.at(-1)!);
  }
  if (values.json) console.log(JSON.stringify({ sites, pairs: rows }, null, 2));
  return [...sites, ...rows].some(({ failures }) => failures.length > 0) ? 1 : 0;
}

process.exit(await main());
