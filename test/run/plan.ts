import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Runtime, RuntimeName } from "../runtimes.ts";
import type { Load } from "./beside.ts";
import { shares } from "./shares.ts";
import { wishOf } from "./wish.ts";

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
export interface Step extends Load {
  /** e.g. `deno lint`, `suite on bun 1/3`, `test/demo/kill.slow.test.ts on node`. */
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

/** A process that computes all the while. */
const COMPUTING = 1;
/** A share of the suite waits for a third of its time: for sockets, files and processes. */
const SHARE = 0.65;
/** What has the machine for itself. */
const ALONE = Infinity;

/** All steps: checks, the suite on each runtime, then the slow files, the longest of them first. */
export function plan(choice: Choice, runtimes: Runtime[]): Step[] {
  const files = testFiles(choice.root);
  const chosen = runtimes.filter(({ name }) => choice.runtimes.includes(name));
  const wanted = (name: string): boolean => choice.only === undefined || choice.only.test(name);
  const slow = files.filter((file) => file.endsWith(".slow.test.ts") && wanted(file));
  const fast = files.filter((file) => !file.endsWith(".slow.test.ts") && wanted(file));
  const slowSteps = slow.flatMap((file) => slowStepsOf(choice.root, chosen, file));
  return [
    ...checks(runtimes).filter(({ name }) => wanted(name)),
    ...chosen.flatMap((runtime) => suite(choice.root, runtime, fast)),
    ...(choice.everyday ? [] : slowSteps.sort((a, b) => b.deadline - a.deadline)),
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
    return { name, command, kind: "check", runtime, files: [], deadline: CHECK_DEADLINE, cores: COMPUTING };
  };
  return [
    check("tsc", "node", [node, "node_modules/typescript/bin/tsc", "-p", "."]),
    check("deno check", "deno", [deno, "check", "src", "edge", "test"]),
    check("deno lint", "deno", [deno, "lint"]),
    check("deno fmt", "deno", [deno, "fmt", "--check"]),
  ];
}

function suite(root: string, runtime: Runtime, fast: string[]): Step[] {
  const files = fast.filter((file) => wishOf(root, file).runtimes?.includes(runtime.name) ?? true);
  return shares(root, runtime.name, files).map(({ path, files }, i, all): Step => ({
    name: `suite on ${runtime.name}${all.length === 1 ? "" : ` ${i + 1}/${all.length}`}`,
    command: testCommand(runtime, path),
    kind: "suite",
    runtime: runtime.name,
    files,
    deadline: SUITE_DEADLINE,
    cores: SHARE,
  }));
}

function slowStepsOf(root: string, chosen: Runtime[], file: string): Step[] {
  const { runtimes = ["node"], deadline = SLOW_DEADLINE, cores = ALONE } = wishOf(root, file);
  return chosen.filter(({ name }) => runtimes.includes(name)).map((runtime): Step => ({
    name: `${file} on ${runtime.name}`,
    command: testCommand(runtime, file),
    kind: "suite",
    runtime: runtime.name,
    files: [file],
    deadline,
    cores,
  }));
}

/** Node's young generation is small for worlds of nodes and peers: 32 MiB save a fifteenth of the suite's time. */
const YOUNG = "--max-semi-space-size=32";

/** Bun alone ends a test by itself, after 5 s: too short for a property test on a busy machine. */
function testCommand({ name, program, command }: Runtime, file: string): string[] {
  if (name === "bun") {
    return [
      program,
      "test",
      "--timeout=60000",
      "--reporter=junit",
      `--reporter-outfile=${REPORT}`,
      `./${file}`,
    ];
  }
  if (name === "deno") return [program, "test", "-A", "--no-check", `--junit-path=${REPORT}`, `./${file}`];
  const [node, ...loader] = command as [string, ...string[]];
  const reports = ["--test-reporter=junit", `--test-reporter-destination=${REPORT}`];
  return [
    node,
    YOUNG,
    ...loader,
    "--test",
    ...reports,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    file,
  ];
}
