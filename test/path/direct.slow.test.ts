// deadline: 240 s
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { skip, within } from "./namespace.ts";

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
      const { more, unpaired } = within([...program, here("rtc_churn.ts")]) as Record<string, number>;
      assert.ok(more! <= 3, `${more} descriptors more`);
      assert.equal(unpaired, 0, "ends that tell wrongly whether a pair worked");
    });
  }
});
