import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { adviceFor, DEFAULT_BACKOFF, FRESH, reconnectStep } from "../../src/session/reconnect.ts";
import type { SessionEnd } from "../../src/session/session.ts";
import { Reason } from "../../src/wire/protocol.ts";

const end = (reason: number, wasReady = false): SessionEnd => ({
  reason,
  text: "",
  by: "remote",
  nodes: ["wss://b.example.org"],
  wasReady,
});
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("reconnecting", () => {
  it("waits between the shortest wait and a limit that doubles up to the longest", () => {
    fc.assert(
      fc.property(fc.array(random, { minLength: 1, maxLength: 80 }), (randoms) => {
        let state = FRESH;
        randoms.forEach((r, attempt) => {
          const step = reconnectStep(state, end(Reason.closed), 0, r);
          assert(step.decision.type === "retry");
          const limit = Math.min(30_000, 200 * 2 ** (attempt + 1));
          assert(step.decision.delay >= 200 && step.decision.delay <= limit);
          assert(Math.abs(step.decision.delay - (200 + r * (limit - 200))) < 1e-6);
          state = step.state;
        });
      }),
      { numRuns: 100 },
    );
  });

  it("never waits longer than asked, and never less, whatever window", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(100_000), fc.nat(3_000), random, (min, more, attempts, r) => {
        const backoff = { ...DEFAULT_BACKOFF, min, max: min + more };
        const { decision } = reconnectStep({ attempts }, end(Reason.closed), 0, r, backoff);
        assert(decision.type === "retry" && decision.delay >= min && decision.delay <= min + more);
      }),
      { numRuns: 200 },
    );
    assert.throws(
      () => reconnectStep(FRESH, end(1), 0, 0, { ...DEFAULT_BACKOFF, min: 5, max: 4 }),
      RangeError,
    );
    assert.throws(() => reconnectStep(FRESH, end(1), 0, 0, { ...DEFAULT_BACKOFF, min: NaN }), RangeError);
  });

  it("begins anew after a session that lasted, not after one that flapped", () => {
    const tired = { attempts: 9 };
    assert.equal(reconnectStep(tired, end(Reason.closed, true), 5_000, 0).state.attempts, 1);
    assert.equal(reconnectStep(tired, end(Reason.closed, true), 4_999, 0).state.attempts, 10);
    assert.equal(reconnectStep(tired, end(Reason.closed, false), 60_000, 0).state.attempts, 10);
  });

  it("stops when the attempts are used up, with the last end", () => {
    const backoff = { ...DEFAULT_BACKOFF, maxAttempts: 2 };
    const decide = (attempts: number) =>
      reconnectStep({ attempts }, end(Reason.closed), 0, 0, backoff).decision;
    assert.equal(decide(1).type, "retry");
    assert.deepEqual(decide(2), { type: "stop", why: "attempts", end: end(Reason.closed) });
  });

  it("stays away for reasons that another try cannot change", () => {
    const stops = [
      "replaced",
      "banned",
      "unauthorized",
      "wrongNetwork",
      "wrongId",
      "unsupportedVersion",
    ] as const;
    for (const name of stops) {
      const { decision } = reconnectStep(FRESH, end(Reason[name], true), 60_000, 0);
      assert.deepEqual(decision, { type: "stop", why: "reason", end: end(Reason[name], true) });
    }
  });

  it("goes elsewhere first when the node is full or leaves, and tries anything else again, known or not", () => {
    for (const reason of [Reason.overCapacity, Reason.draining]) {
      const { decision } = reconnectStep(FRESH, end(reason), 0, 0);
      assert(decision.type === "retry" && decision.elsewhere);
      assert.deepEqual(decision.nodes, ["wss://b.example.org"]);
    }
    const others = [
      Reason.closed,
      Reason.pingTimeout,
      Reason.handshakeTimeout,
      Reason.internalError,
      999,
      31,
    ];
    assert(others.every((reason) => adviceFor(reason) === "retry"));
  });
});
