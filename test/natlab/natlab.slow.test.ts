// deadline: 300 s
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { whyNot } from "./lab.ts";
import { diagnose } from "./doctor.ts";
import { row } from "./matrix.ts";
import { probe, PROBED } from "./probe.ts";
import { pairs } from "./site.ts";

const skip = whyNot() ?? false;
if (skip) console.log(`the lab is skipped: ${skip}`);

describe("the lab's NATs, seen by a probe that shares nothing with waymeet", { skip, concurrency: 2 }, () => {
  for (const network of PROBED) {
    it(`behave as they are named: ${network.name}`, async () => {
      for (const { failures } of await probe(network)) assert.deepEqual(failures, []);
    });
  }
});

describe("a node's STUN server and waymeet doctor", { skip }, () => {
  for (const network of PROBED.slice(0, 2)) {
    it(`see NATs as they are: ${network.name}`, async () => {
      for (const { failures } of await diagnose(network)) assert.deepEqual(failures, []);
    });
  }
});

/** Each kind of place once, on each side of some pair. */
const SUBSET = [
  "open×symmetric",
  "cone×cone",
  "symmetric×double",
  "blocked×open",
  "lan",
  "ipv6×ipv6",
  "dual×broken-ipv6",
];

describe("peers behind NATs", { skip, concurrency: 2 }, () => {
  for (const pair of pairs().filter(({ name }) => SUBSET.includes(name))) {
    it(`${pair.name}: ${pair.expected}, and every message arrives, once`, async () => {
      const { sent, failures } = await row(pair);
      assert(sent > 0);
      assert.deepEqual(failures, []);
    });
  }
});
