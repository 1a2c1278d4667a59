/**
 * The simulator.
 *
 *     npm run sim -- --nodes N --peers M --seed S --minutes T [--json]
 *     npm run sim -- --seeds A..B        (or --seeds COUNT) many seeds, over --workers processes
 *     npm run sim -- --cost 4,8,16       what a change of presence costs meshes of these sizes
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cost, costTable } from "./cost.ts";
import { type Report, tableOf } from "./report.ts";
import { run, type RunOptions } from "./run.ts";
import { parseSeeds, parseShape, summaryOf } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "12" },
    peers: { type: "string" },
    minutes: { type: "string", default: "5" },
    messages: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    workers: { type: "string", default: "2" },
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

/** Each in a process of its own: one seed leaves nothing behind for the next. */
async function many(seeds: number[]): Promise<void> {
  const began = performance.now();
  const left = [...seeds];
  const reports: Report[] = [];
  const work = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      const report = await inProcess(seed);
      reports.push(report);
      if (report.violations.length > 0) {
        console.error(`seed ${seed} failed: ${report.violations[0]}\n  npm run sim -- ${repeat(seed)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  const summary = summaryOf(reports, (performance.now() - began) / 1000);
  console.log(values.json ? JSON.stringify({ ...summary, reports }) : summary.text);
  if (summary.failed.length > 0) process.exitCode = 1;
}

function repeat(seed: number): string {
  const { nodes, peers, minutes, messages } = parseShape(values);
  return `--seed ${seed} --nodes ${nodes} --peers ${peers} --minutes ${minutes} --messages ${messages}`;
}

async function inProcess(seed: number): Promise<Report> {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, self, ...repeat(seed).split(" "), "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) last = line;
  if (last === "") throw new Error(`the process of seed ${seed} said nothing`);
  return JSON.parse(last) as Report;
}
