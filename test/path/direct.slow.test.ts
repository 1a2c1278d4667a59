// deadline: 240 s
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

/** An address to gather: WebRTC stacks offer none of loopback. */
const NETWORK =
  `ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 10.9.9.1/24 dev v0 &&
  ip link set v0 up && ip link set v1 up && exec "$@"`;
const possible = process.getuid?.() === 0 && spawnSync("unshare", ["-n", "ip", "link"]).status === 0;
const skip = possible ? false : "needs root and iproute2, to make a network namespace of its own";

interface Outcome {
  relayed: boolean;
  direct?: { why: string };
  both: boolean;
  after?: { path: string };
  noticed?: number;
  exits?: (number | string)[];
  connected: number;
  last: { closed?: boolean; texts?: string[] };
  paths: { path: string; why: string }[];
}

function stage(...words: string[]): Outcome {
  return within([process.execPath, "--import", "tsx", here("direct_stage.ts"), ...words]) as Outcome;
}

const here = (name: string): string => fileURLToPath(new URL(name, new URL(".", import.meta.url)));
const bin = (name: string): string => here(`../../node_modules/.bin/${name}`);

/** The line of JSON that a program prints, run in a network namespace of its own. */
function within(program: string[]): unknown {
  const { status, signal, stdout, stderr } = spawnSync("unshare", [
    "-n",
    "bash",
    "-c",
    NETWORK,
    "bash",
    ...program,
  ], {
    encoding: "utf8",
    timeout: 70_000,
  });
  const line = stdout.split("\n").find((line) => line.startsWith("{"));
  assert.ok(line, `${stdout}\n${stderr}`);
  assert.deepEqual([status, signal], [0, null], `${stdout}\n${stderr}`);
  return JSON.parse(line);
}

describe("two peers on one network", { skip }, () => {
  for (const [dialled, dialler] of [["node", "node"], ["bun", "deno"], ["deno", "bun"]] as const) {
    it(`go from relay to direct, and their processes end: ${dialler} dials ${dialled}`, () => {
      const result = stage(dialled, dialler);
      const told = JSON.stringify(result);
      assert.equal(result.relayed, true, told);
      assert.match(result.direct?.why ?? told, /^direct: punched in \d+ ms$/);
      assert.equal(result.both, true, told);
      assert.equal(result.after?.path, "direct", told);
      assert.deepEqual(result.last, { closed: true, texts: ["first", "second"] }, told);
      assert.deepEqual(result.exits, [0, 0], told);
      assert.ok(result.connected >= 1, told);
    });
  }

  it("fall back to the relay when the other one is killed, and end", () => {
    const result = stage("node", "node", "kill");
    assert.ok(result.noticed !== undefined, JSON.stringify(result));
    assert.deepEqual(result.exits, ["SIGKILL", 0]);
  });

  it("stay on the relay where the stack does not load, and say why", () => {
    const result = stage("node", "deno-without-ffi", "relay");
    assert.equal(result.connected, 0);
    assert.deepEqual(result.last, { closed: true, texts: ["first", "second"] });
    assert.deepEqual(result.exits, [0, 0]);
    assert.ok(
      result.paths.some(({ why }) => why.includes("deno run --allow-ffi")),
      JSON.stringify(result.paths),
    );
  });

  for (
    const [name, ...program] of [
      ["node", process.execPath, "--import", "tsx"],
      ["bun", bin("bun")],
      ["deno", bin("deno"), "run", "-A", "--no-check"],
    ] as const
  ) {
    it(`leave no descriptor behind after fifty ends opened and closed, and the process ends: ${name}`, () => {
      const { more } = within([...program, here("rtc_churn.ts")]) as { more: number };
      assert.ok(more <= 3, `${more} descriptors more`);
    });
  }
});
