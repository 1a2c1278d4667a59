/**
 * Asks a node on each runtime the same questions:
 *
 *     npm run compliance [-- --runtime bun,workerd] [--only PATTERN]
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { CHECKS, TARGETS } from "./suite.ts";
import { type Outcomes, table } from "./table.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: Object.keys(TARGETS).join() },
    only: { type: "string", default: "" },
  },
});
const only = new RegExp(values.only);
const outcomes: Outcomes = new Map();
for (const runtime of values.runtime.split(",")) {
  const start = TARGETS[runtime];
  if (!start) throw new TypeError(`--runtime knows ${Object.keys(TARGETS).join(", ")}, not "${runtime}"`);
  const checks = new Map<string, string | undefined>();
  outcomes.set(runtime, checks);
  const target = await start();
  for (const { name, run } of CHECKS.filter(({ name }) => only.test(name))) {
    const began = performance.now();
    const why = await run(target).then(() => undefined, (error) => String(error?.stack ?? error));
    checks.set(name, why);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${runtime}: ${why === undefined ? "ok   " : "FAILS"} ${name} (${seconds} s)${why ? `\n${why}` : ""}`,
    );
  }
  await target.close();
}
console.log(`\n${table(outcomes)}`);
const failed = [...outcomes.values()].flatMap((checks) => [...checks.values()]).filter((why) =>
  why !== undefined
);
process.exit(failed.length === 0 ? 0 : 1);
