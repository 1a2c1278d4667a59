// deadline: 180 s
// cores: 0.5
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runtimes } from "../runtimes.ts";
import { idle } from "./idle.ts";

/** Two and a half ping intervals; `idle.ts --minutes 15` is the long run. */
const MINUTES = 0.65;

describe("a node and two peers that say nothing", { concurrency: true }, () => {
  for (const runtime of runtimes()) {
    it(`on ${runtime.name} keep their sessions, and every ping has its pong`, async () => {
      const report = await idle(runtime, MINUTES);
      assert.equal(report.reconnections, 0);
      assert.equal(report.node.sessions, 2);
      for (const { pingsSent, pongsMatched } of [...report.peers, report.node]) {
        assert(pingsSent >= 2, `${pingsSent} pings`);
        // One may be on its way at the moment of counting.
        assert(pongsMatched >= pingsSent - 1, `${pongsMatched} pongs to ${pingsSent} pings`);
      }
    });
  }
});
