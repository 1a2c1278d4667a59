import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { AttemptFromNode, AttemptFromPeer } from "../../src/wire/attempt_protocol.ts";
import { encodeAttemptFrame } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { meetInMemory, memoryNode, settle, stopNodes, type TestPeer, until } from "./peers.ts";

const say = (peer: TestPeer, frame: AttemptFromPeer): void =>
  void peer.session.send(encodeAttemptFrame(frame));

/** The next frame of this kind that the peer hears. */
async function hears<K extends AttemptFromNode["kind"]>(
  peer: TestPeer,
  kind: K,
): Promise<AttemptFromNode & { kind: K }> {
  await until(() => peer.frames.some((frame) => frame.kind === kind));
  return peer.frames.find((frame) => frame.kind === kind) as AttemptFromNode & { kind: K };
}

describe("attempts at a node", () => {
  afterEach(stopNodes);

  it("go from the asking to one outcome, with the operator's deadlines, and are counted", async () => {
    const node = await memoryNode({ limits: { attemptAnswer: 1_234, attemptConnect: 2_345 } });
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    say(a, { kind: "attempt", request: 7, peer: b.key });
    const granted = await hears(a, "granted");
    assert.deepEqual([granted.request, granted.answer, granted.connect], [7, 1_234, 2_345]);
    const { attempt, broker, peer, answer, connect } = await hears(b, "invite");
    assert.deepEqual([attempt, peer, answer, connect], [granted.attempt, a.key, 1_234, 2_345]);
    for (const each of [a, b]) say(each, { kind: "answer", attempt, broker, reason: 0, held: 0 });
    for (const each of [a, b]) await hears(each, "start");
    assert.match(node.metricsText(), /^waymeet_attempts_open 1$/m);
    for (const each of [a, b]) say(each, { kind: "report", attempt, broker, reason: Reason.connected });
    for (const each of [a, b]) {
      const outcome = await hears(each, "outcome");
      assert.deepEqual([outcome.attempt, outcome.reason], [attempt, Reason.connected]);
    }
    assert.match(node.metricsText(), /^waymeet_attempts_total\{outcome="connected"\} 1$/m);
    assert.match(node.metricsText(), /^waymeet_attempt_duration_seconds_count 1$/m);
    assert.match(node.metricsText(), /^waymeet_attempts_open 0$/m);
  });

  it("are denied for a peer that nobody knows, and for oneself", async () => {
    const node = await memoryNode();
    const a = await meetInMemory(node);
    say(a, { kind: "attempt", request: 1, peer: new Uint8Array(32).fill(9) });
    assert.equal((await hears(a, "denied")).reason, Reason.absent);
    a.frames.length = 0;
    say(a, { kind: "attempt", request: 2, peer: a.key });
    assert.equal((await hears(a, "denied")).reason, Reason.forbidden);
  });

  it("end as peer-gone when one of the two leaves", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    say(a, { kind: "attempt", request: 1, peer: b.key });
    await hears(b, "invite");
    b.session.close(Reason.closed, "");
    assert.equal((await hears(a, "outcome")).reason, Reason.peerGone);
  });

  it("are not decided by those who take no part", async () => {
    const node = await memoryNode();
    const [a, b, c] = [await meetInMemory(node), await meetInMemory(node), await meetInMemory(node)];
    say(a, { kind: "attempt", request: 1, peer: b.key });
    const { attempt, broker } = await hears(b, "invite");
    say(c, { kind: "answer", attempt, broker, reason: Reason.refused, held: 0 });
    say(c, { kind: "report", attempt, broker, reason: Reason.timedOut });
    await settle();
    assert.equal(a.frames.some(({ kind }) => kind === "outcome"), false);
    say(b, { kind: "answer", attempt, broker, reason: Reason.refused, held: 0 });
    assert.equal((await hears(a, "outcome")).reason, Reason.refused);
  });

  it("cost a peer that floods them nothing but its own frames", async () => {
    const node = await memoryNode({ limits: { lookupBurst: 5, lookupsPerSecond: 1 } });
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    for (let request = 0; request < 50; request++) say(a, { kind: "attempt", request, peer: b.key });
    const invites = () => b.frames.filter(({ kind }) => kind === "invite").length;
    await until(() => invites() > 0);
    await settle();
    assert.equal(invites(), 1);
    assert.ok(a.frames.filter(({ kind }) => kind === "denied").length <= 6);
    assert.match(node.metricsText(), /^waymeet_attempt_frames_stray_total [34]\d$/m);
  });
});
