// runtimes: node
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { runCommand } from "../run/command.ts";
import { readJunit } from "../run/junit.ts";
import type { Step } from "../run/plan.ts";
import { judge, tally } from "../run/tally.ts";
import { runtimes } from "../runtimes.ts";
import { ROOT } from "./source.ts";

const GREEN = `import { describe, it } from "node:test";
describe("a suite", () => { it("passes", () => {}); describe("deep", () => { it("passes too", () => {}); }); });`;
const MIXED = `import { it } from "node:test";
it("is red", () => { throw new Error("seen in full"); });
it("is skipped", { skip: "no such program" }, () => {});`;
const SLOW = `import { it } from "node:test"; it("is slow", () => {});`;
const BROKEN = `import "./absent.ts";`;

let scratch: string;

function write(name: string, text: string): void {
  mkdirSync(dirname(join(scratch, "test", name)), { recursive: true });
  writeFileSync(join(scratch, "test", name), text);
}

/** What `npm test` would print and answer in the scratch directory. */
function run(args: string[], env: Record<string, string> = {}): { code: number | null; lines: string[] } {
  const runner = [join(ROOT, "test/run.ts"), "--root", scratch, ...args];
  const [program, ...words] = runtimes()[0]!.command as [string, ...string[]];
  // Node's test runner marks its children by this variable, and their own runner would then run nothing.
  const { NODE_TEST_CONTEXT: _, ...clean } = process.env;
  const { status, stdout } = spawnSync(program, [...words, ...runner], {
    encoding: "utf8",
    env: { ...clean, CI: "", ...env },
  });
  return { code: status, lines: stdout.trimEnd().split("\n") };
}

describe("the test runner", () => {
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), "waymeet-runner-"));
    write("part/green.test.ts", GREEN);
    write("part/mixed.test.ts", MIXED);
    write("part/tortoise.slow.test.ts", SLOW);
    write("other/broken.test.ts", BROKEN);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it("counts each test once on each runtime and fails when one fails", () => {
    const { code, lines } = run(["--only", "^test/part/"]);
    assert.equal(lines.at(-1), "7 passed, 3 failed");
    assert.equal(code, 1);
    for (const name of ["node", "bun", "deno"]) {
      assert.ok(
        lines.some((line) => line.startsWith(`FAILED   ${name}: is red (test/part/mixed.test.ts:2`)),
        name,
      );
      assert.ok(
        lines.some((line) => line.startsWith(`suite on ${name}: 2 passed, 1 failed, 1 skipped in `)),
        name,
      );
    }
    assert.ok(lines.some((line) => line.includes("seen in full")));
    assert.ok(lines.includes("skipped  node: is skipped: no such program"));
  });
  it("ends with exit code 0 when all pass", () => {
    const { code, lines } = run(["--only", "green"]);
    assert.equal(lines.at(-1), "6 passed, 0 failed");
    assert.equal(code, 0);
  });
  it("counts a skipped test as failed in CI", () => {
    const { lines } = run(["--only", "mixed", "--runtime", "node"], { CI: "true" });
    assert.equal(lines.at(-1), "0 passed, 2 failed");
  });
  it("counts a file that does not load as failed", () => {
    const { code, lines } = run(["--only", "broken"]);
    assert.equal(lines.at(-1), "0 passed, 3 failed");
    assert.equal(code, 1);
  });
  it("shares out many files, and counts the tests of all", () => {
    for (let i = 0; i < 21; i++) write(`many/m${i}.test.ts`, SLOW);
    const { lines } = run(["--only", "^test/many/", "--runtime", "node"]);
    for (const share of ["1/2: 11 passed", "2/2: 10 passed"]) {
      assert.ok(lines.some((line) => line.startsWith(`suite on node ${share}, 0 failed in `)), share);
    }
    assert.equal(lines.at(-1), "21 passed, 0 failed");
  });
  it("fails when nothing ran", () => {
    const { code, lines } = run(["--only", "no such file"]);
    assert.equal(lines.at(-1), "0 passed, 1 failed");
    assert.equal(code, 1);
  });
  it("leaves slow files out of the everyday run, and runs them on Node alone", () => {
    assert.deepEqual(run(["--only", "tortoise", "--everyday", "--list"]).lines, [""]);
    const file = "test/part/tortoise.slow.test.ts";
    assert.deepEqual(run(["--only", "tortoise", "--list"]).lines, [`${file} on node`, `  ${file}`]);
  });
});

describe("a verdict", () => {
  const step: Step = {
    name: "suite on bun",
    command: [],
    kind: "suite",
    runtime: "bun",
    files: [],
    deadline: 1_000,
    cores: 1,
  };
  const ended = { code: 0, output: "", milliseconds: 1, late: false };
  const report = '<testsuites><testcase name="a"/></testsuites>';

  it("does not believe a report of success from a command that failed", () => {
    assert.equal(tally([judge(step, { ...ended, code: 1 }, report)], ["bun"], false).failed, 1);
  });
  it("fails a runtime on which nothing ran", () => {
    const verdict = tally([judge(step, ended, report)], ["bun", "deno"], false);
    assert.deepEqual(verdict.failures, ["no test ran on deno"]);
  });
  it("fails an empty or absent report", () => {
    assert.equal(tally([judge(step, ended, undefined)], [], false).failed, 1);
    assert.equal(tally([judge(step, ended, "<testsuites></testsuites>")], [], false).failed, 1);
  });
});

describe("a JUnit report", () => {
  it("of Deno lists suites beside their tests: only tests count, but a failing hook is seen", () => {
    const listed = (message: string): string =>
      `<testcase name="s"><failure message="${message}">x</failure></testcase><testcase name="s &gt; a"></testcase>`;
    assert.deepEqual(readJunit(listed("1 test step failed")).map(({ name }) => name), ["s > a"]);
    assert.deepEqual(readJunit(listed("hook")).map(({ outcome }) => outcome), ["failed", "passed"]);
  });
  it("of Node escapes quotes twice and leaves > bare", () => {
    const [test] = readJunit('<testcase name="a &lt;b> &amp;quot;c&amp;quot;"/>');
    assert.equal(test?.name, 'a <b> "c"');
  });
});

describe("a command", () => {
  // The grandchild holds the pipe and minds no SIGTERM: while it lives, the command does not end.
  // A shell, since it begins well before the deadline on a busy machine, too.
  it("that is late is killed with everything it started", { timeout: 30_000 }, async () => {
    const program = `trap "" TERM; sleep 1000 & trap "exit 0" TERM; echo begun; wait`;
    const ended = await runCommand(["sh", "-c", program], { cwd: ROOT, deadline: 2_500 });
    assert.deepEqual([ended.late, ended.code, ended.output], [true, 124, "begun\n"]);
  });
  it("that leaves something running ends all the same", { timeout: 30_000 }, async () => {
    const sleeper = "setInterval(() => {}, 1000)";
    const program =
      `require("node:child_process").spawn(process.execPath, ["-e", "${sleeper}"], { stdio: "inherit" });
      process.exit(3);`;
    const ended = await runCommand([process.execPath, "-e", program], { cwd: ROOT, deadline: 20_000 });
    assert.deepEqual([ended.late, ended.code], [false, 3]);
  });
  it("that is not there is a failure, not an exception", async () => {
    const ended = await runCommand(["/no/such/program"], { cwd: ROOT, deadline: 1_000 });
    assert.equal(ended.code, 127);
  });
});
