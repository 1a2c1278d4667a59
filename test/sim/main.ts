/**
 * The simulator.
 *
 *     npm run sim -- --nodes N --peers M --seed S --minutes T [--target SESSIONS] [--json]
 *     npm run sim -- --seeds A..B        (or --seeds COUNT) many seeds, over --workers processes,
 *                                        none beginning after --limit SECONDS
 *     npm run sim -- --cost 4,8,16       what a change of presence costs meshes of these sizes
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { cost, costTable } from "./cost.ts";
import { type Report, tableOf } from "./report.ts";
import { run, type RunOptions } from "./run.ts";
import { parseSeeds, parseShape, summaryOf } from "./seeds.ts";
import { work } from "./workers.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "12" },
    peers: { type: "string" },
    minutes: { type: "string", default: "5" },
    messages: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    limit: { type: "string", default: "Infinity" },
    workers: { type: "string", default: "2" },
    target: { type: "string" },
    cost: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

if (values.cost !== undefined) await costs(values.cost.split(",").map(Number));
else if (values.seeds !== undefined) await many(parseSeeds(values.seeds));
else await one({ ...parseShape(values), seed: Number(values.seed) });

async function one(options: RunOptions): Promise<void> {
  const report = await run(options);
  console.log(values.json ? JSON.stringify(report) : tableOf(report));
  if (report.violations.length > 0) process.exitCode = 1;
}

async function costs(sizes: number[]): Promise<void> {
  const found = [];
  for (const nodes of sizes) {
    const peers = Number(values.peers ?? Math.max(100, 4 * nodes));
    found.push(await cost({ seed: Number(values.seed), nodes, peers }));
  }
  console.log(values.json ? JSON.stringify(found) : costTable(found));
  if (found.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
}

async function many(seeds: number[]): Promise<void> {
  const began = performance.now();
  const shape = parseShape(values);
  const reports: Report[] = [];
  const died: number[] = [];
  const limit = Number(values.limit) * 1000;
  await work({
    seeds,
    shape,
    workers: Number(values.workers),
    limit,
    done: (outcome) => {
      if ("report" in outcome) reports.push(outcome.report);
      else died.push(outcome.seed);
      const wrong = "report" in outcome ? outcome.report.violations[0] : `its process died: ${outcome.died}`;
      if (wrong !== undefined) {
        console.error(`seed ${outcome.seed} failed: ${wrong}\n  npm run sim -- ${repeat(outcome.seed)}`);
      }
    },
  });
  const summary = summaryOf(reports, (performance.now() - began) / 1000, died);
  const notBegun = seeds.length - summary.seeds;
  const rest = notBegun > 0 ? `\n${notBegun} seeds did not begin within --limit ${values.limit} s` : "";
  console.log(values.json ? JSON.stringify({ ...summary, reports }) : summary.text + rest);
  if (summary.failed.length > 0) process.exitCode = 1;
}

function repeat(seed: number): string {
  const shape = Object.entries(parseShape(values)).map(([name, value]) => ` --${name} ${value}`);
  return `--seed ${seed}${shape.join("")}`;
}
