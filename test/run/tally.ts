import type { RuntimeName } from "../runtimes.ts";
import type { Ended } from "./command.ts";
import { readJunit, type TestOutcome } from "./junit.ts";
import type { Step } from "./plan.ts";

/** What became of one step. */
export interface StepResult {
  step: Step;
  tests: TestOutcome[];
  output: string;
  milliseconds: number;
}

export interface Verdict {
  passed: number;
  failed: number;
  /** `name: reason`, one each; failures where skipping is not allowed. */
  skipped: string[];
  /** Lines that say what failed and where. */
  failures: string[];
}

/**
 * Judges a step by its report and its exit code together: a command that failed without
 * a failing test, or reported no test at all, is a failure of its own.
 */
export function judge(step: Step, ended: Ended, report: string | undefined): StepResult {
  const tests = step.kind === "check" ? [] : readJunit(report ?? "");
  const fault = faultOf(step, ended, tests);
  if (step.kind === "check" || fault !== undefined) {
    tests.push({ name: step.name, outcome: fault === undefined ? "passed" : "failed", detail: fault ?? "" });
  }
  return { step, tests, output: ended.output, milliseconds: ended.milliseconds };
}

function faultOf(step: Step, ended: Ended, tests: TestOutcome[]): string | undefined {
  if (ended.late) return `killed after its deadline of ${step.deadline / 1_000} s`;
  if (step.kind === "check") return ended.code === 0 ? undefined : `exit code ${ended.code}, see its output`;
  const red = tests.some(({ outcome }) => outcome === "failed");
  if (ended.code !== 0 && !red) return `exit code ${ended.code}, although no test failed`;
  if (tests.length === 0) return "no test ran";
  return undefined;
}

/** Counts everything. `required` are the runtimes on which at least one test must have run. */
export function tally(results: StepResult[], required: RuntimeName[], skipsFail: boolean): Verdict {
  const verdict: Verdict = { passed: 0, failed: 0, skipped: [], failures: [] };
  for (const { step, tests } of results) {
    for (const test of tests) {
      if (test.outcome === "passed") verdict.passed++;
      if (test.outcome === "failed") verdict.failures.push(failureLine(step, test));
      if (test.outcome === "skipped") verdict.skipped.push(skipLine(step, test));
    }
  }
  if (skipsFail) {
    verdict.failures.push(...verdict.skipped.map((line) => `skipped where CI allows none: ${line}`));
  }
  verdict.failures.push(...missing(results, required));
  verdict.failed = verdict.failures.length;
  return verdict;
}

function missing(results: StepResult[], required: RuntimeName[]): string[] {
  const ran = (name: RuntimeName): boolean => {
    return results.some(({ step, tests }) =>
      step.runtime === name && step.kind === "suite" && tests.length > 0
    );
  };
  const silent = required.filter((name) => !ran(name)).map((name) => `no test ran on ${name}`);
  return results.length === 0 && silent.length === 0 ? ["nothing matched: no test ran"] : silent;
}

function failureLine(step: Step, test: TestOutcome): string {
  const place = /test\/[\w./-]+\.ts:\d+(?::\d+)?/.exec(test.detail)?.[0];
  const where = place === undefined ? "" : ` (${place})`;
  const why = test.name === step.name ? `: ${test.detail}` : "";
  return `${step.runtime}: ${test.name}${where}${why}`;
}

function skipLine(step: Step, test: TestOutcome): string {
  const reason = test.detail === "" || test.detail === "true"
    ? "no reason told by this runtime"
    : test.detail;
  return `${step.runtime}: ${test.name}: ${reason}`;
}
