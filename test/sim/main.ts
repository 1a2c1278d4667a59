/**
 * The simulator: `npm run sim -- --nodes N --peers M --seed S --minutes T [--json]`, several seeds with
 * `--seeds A..B` or `--seeds COUNT`.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { tableOf } from "./report.ts";
import { run } from "./run.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "12" },
    peers: { type: "string", default: "200" },
    minutes: { type: "string", default: "5" },
    messages: { type: "string", default: "11000" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const shape = {
  nodes: Number(values.nodes),
  peers: Number(values.peers),
  minutes: Number(values.minutes),
  messages: Number(values.messages),
};
const report = await run({ ...shape, seed: Number(values.seed) });
console.log(values.json ? JSON.stringify(report) : tableOf(report));
if (report.violations.length > 0) process.exitCode = 1;
