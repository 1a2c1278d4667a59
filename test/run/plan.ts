import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime, RuntimeName } from "../runtimes.ts";
import { shares } from "./shares.ts";

/** What the command line asked for. */
export interface Choice {
  root: string;
  runtimes: RuntimeName[];
  /** Leave out the slow group. */
  everyday: boolean;
  /** Only steps and files whose name matches. */
  only: RegExp | undefined;
}

/** One command of the run, with what it is held to. */
export interface Step {
  /** e.g. `deno lint`, `suite on bun`, `test/demo/kill.slow.test.ts on node`. */
  name: string;
  command: string[];
  /** A check is one test; a suite reports its tests into a JUnit file. */
  kind: "check" | "suite";
  runtime: RuntimeName;
  files: string[];
  /** Milliseconds. */
  deadline: number;
}

/** In the command of a suite, the place of its report. */
export const REPORT = "{report}";

const CHECK_DEADLINE = 180_000;
const SUITE_DEADLINE = 600_000;
const SLOW_DEADLINE = 900_000;

/** All steps, in the order in which they run: checks, the suite on each runtime, the slow files one by one. */
export function plan(choice: Choice, runtimes: Runtime[]): Step[] {
  const files = testFiles(choice.root);
  const chosen = runtimes.filter(({ name }) => choice.runtimes.includes(name));
  const wanted = (name: string): boolean => choice.only === undefined || choice.only.test(name);
  const slow = files.filter((file) => file.endsWith(".slow.test.ts") && wanted(file));
  const fast = files.filter((file) => !file.endsWith(".slow.test.ts") && wanted(file));
  return [
    ...checks(runtimes).filter(({ name }) => wanted(name)),
    ...chosen.flatMap((runtime) => suite(choice.root, runtime, fast)),
    ...(choice.everyday ? [] : slow.flatMap((file) => slowSteps(choice.root, chosen, file))),
  ];
}

/** `test/PART/….test.ts`, sorted, with forward slashes. */
function testFiles(root: string): string[] {
  const below = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  const paths = below.map((path) => path.replaceAll("\\", "/"));
  return paths.filter((path) => /\/.*\.test\.ts$/.test(path)).map((path) => `test/${path}`).sort();
}

function checks(runtimes: Runtime[]): Step[] {
  const node = runtimes.find(({ name }) => name === "node")!.program;
  const deno = runtimes.find(({ name }) => name === "deno")!.program;
  const check = (name: string, runtime: RuntimeName, command: string[]): Step => {
    return { name, command, kind: "check", runtime, files: [], deadline: CHECK_DEADLINE };
  };
  return [
    check("tsc", "node", [node, "node_modules/typescript/bin/tsc", "-p", "."]),
    check("deno check", "deno", [deno, "check", "src", "edge", "test"]),
    check("deno lint", "deno", [deno, "lint"]),
    check("deno fmt", "deno", [deno, "fmt", "--check"]),
  ];
}

function suite(root: string, runtime: Runtime, fast: string[]): Step[] {
  const files = fast.filter((file) => wish(root, file).runtimes?.includes(runtime.name) ?? true);
  if (files.length === 0) return [];
  const command = testCommand(runtime, runtime.name === "node" ? shares(root, files) : files);
  return [{
    name: `suite on ${runtime.name}`,
    command,
    kind: "suite",
    runtime: runtime.name,
    files,
    deadline: SUITE_DEADLINE,
  }];
}

function slowSteps(root: string, chosen: Runtime[], file: string): Step[] {
  const { runtimes = ["node"], deadline = SLOW_DEADLINE } = wish(root, file);
  return chosen.filter(({ name }) => runtimes.includes(name)).map((runtime): Step => {
    const command = testCommand(runtime, [file]);
    return {
      name: `${file} on ${runtime.name}`,
      command,
      kind: "suite",
      runtime: runtime.name,
      files: [file],
      deadline,
    };
  });
}

/** What a test file says of itself: a line `// runtimes: node, bun` and a line `// deadline: 300 s`. */
function wish(root: string, file: string): { runtimes?: RuntimeName[]; deadline?: number } {
  const text = readFileSync(join(root, file), "utf8");
  const runtimes = /^\/\/ runtimes: ([a-z, ]+)$/m.exec(text)?.[1];
  const seconds = /^\/\/ deadline: (\d+) s$/m.exec(text)?.[1];
  return {
    ...(runtimes === undefined
      ? {}
      : { runtimes: runtimes.split(",").map((name) => name.trim() as RuntimeName) }),
    ...(seconds === undefined ? {} : { deadline: Number(seconds) * 1_000 }),
  };
}

/** Bun alone ends a test by itself, after 5 s: too short for a property test on a busy machine. */
function testCommand({ name, program, command }: Runtime, files: string[]): string[] {
  const relative = files.map((file) => `./${file}`);
  if (name === "bun") {
    return [
      program,
      "test",
      "--timeout=60000",
      "--reporter=junit",
      `--reporter-outfile=${REPORT}`,
      ...relative,
    ];
  }
  if (name === "deno") return [program, "test", "-A", "--no-check", `--junit-path=${REPORT}`, ...relative];
  const reports = ["--test-reporter=junit", `--test-reporter-destination=${REPORT}`];
  return [
    ...command,
    "--test",
    "--test-concurrency=2",
    ...reports,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    ...files,
  ];
}
