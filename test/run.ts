/**
 * The runner behind `npm test`:
 *
 *     node --import tsx test/run.ts [--everyday] [--only PATTERN] [--runtime bun,deno,node] [--list]
 *
 * Static checks, the suite on each runtime, and the slow files: as many at once as the machine has
 * cores for, then, one by one, those that measure time and share the machine with nothing. Each says
 * how long it took. The last line is `N passed, N failed`. With `CI=true` a skipped test is a failed one.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { beside } from "./run/beside.ts";
import { killRunning, runCommand } from "./run/command.ts";
import { type Choice, plan, REPORT, type Step } from "./run/plan.ts";
import { judge, type StepResult, tally, type Verdict } from "./run/tally.ts";
import { type RuntimeName, runtimes } from "./runtimes.ts";

function choose(): Choice & { list: boolean } {
  const { values } = parseArgs({
    options: {
      everyday: { type: "boolean", default: false },
      only: { type: "string" },
      runtime: { type: "string", default: "node,bun,deno" },
      list: { type: "boolean", default: false },
      root: { type: "string", default: dirname(dirname(fileURLToPath(import.meta.url))) },
    },
  });
  const names = values.runtime.split(",");
  const unknown = names.find((name) => !["node", "bun", "deno"].includes(name));
  if (unknown !== undefined) throw new TypeError(`--runtime knows node, bun and deno, not "${unknown}"`);
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  return {
    root: values.root,
    everyday: values.everyday,
    list: values.list,
    only,
    runtimes: names as RuntimeName[],
  };
}

async function runStep(step: Step, root: string): Promise<StepResult> {
  const scratch = mkdtempSync(join(tmpdir(), "waymeet-test-"));
  const report = join(scratch, "report.xml");
  const command = step.command.map((word) => word.replace(REPORT, report));
  try {
    const ended = await runCommand(command, { cwd: root, deadline: step.deadline });
    return judge(step, ended, readIfThere(report));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(1);

function tell({ step, tests, output, milliseconds }: StepResult): void {
  const count = (outcome: string): number => tests.filter((test) => test.outcome === outcome).length;
  const skips = count("skipped") === 0 ? "" : `, ${count("skipped")} skipped`;
  const counts = `${count("passed")} passed, ${count("failed")} failed${skips}`;
  console.log(`${step.name}: ${counts} in ${seconds(milliseconds)} s`);
  if (count("failed") > 0) console.log(`\n${output.trimEnd()}\n`);
}

function conclude({ passed, failed, skipped, failures }: Verdict): void {
  for (const line of skipped) console.log(`skipped  ${line}`);
  for (const line of failures) console.log(`FAILED   ${line}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    killRunning();
    process.exit(name === "SIGINT" ? 130 : 143);
  });
}

const choice = choose();
const steps = plan(choice, runtimes());
if (choice.list) {
  for (const { name, files } of steps) console.log([name, ...files].join("\n  "));
} else {
  const began = performance.now();
  const results: StepResult[] = [];
  await beside(steps, availableParallelism(), async (step) => {
    const result = await runStep(step, choice.root);
    tell(result);
    results.push(result);
  });
  console.log(`everything in ${seconds(performance.now() - began)} s`);
  conclude(tally(results, choice.only === undefined ? choice.runtimes : [], process.env.CI === "true"));
}
