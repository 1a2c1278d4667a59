import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type LivenessEffect,
  type LivenessEvent,
  type LivenessState,
  livenessStep,
  type LivenessStyle,
  newLiveness,
  PINGS_ANSWERED,
} from "../../src/session/liveness.ts";
import { Ticker } from "../../src/session/ticker.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { encodePing, encodePong } from "../../src/wire/frames.ts";
import { PING_INTERVAL, PING_MISSES } from "../../src/wire/limits.ts";
import { Liveness, Reason } from "../../src/wire/protocol.ts";
import { meet, peer, ready } from "./meeting.ts";
import { frames } from "./stranger.ts";
import { settle, VirtualClock } from "./virtual_clock.ts";

const nonce = (n: number) => new Uint8Array(8).fill(n);
const tickWith = (n: number, heard = false): LivenessEvent => ({ type: "tick", nonce: nonce(n), heard });

/** Runs events, each with its time, and collects effects. */
function run(style: LivenessStyle, events: [LivenessEvent, number][]): [LivenessState, LivenessEffect[]] {
  let state = newLiveness(style, 1_000, 0);
  const effects: LivenessEffect[] = [];
  for (const [event, now] of events) {
    const step = livenessStep(state, event, now);
    state = step.state;
    effects.push(...step.effects);
  }
  return [state, effects];
}

describe("liveness", () => {
  it("measures the round trip as RFC 6298 says", () => {
    const [state] = run("nonce", [
      [tickWith(1), 0],
      [{ type: "pong", nonce: nonce(1) }, 100],
      [tickWith(2), 1_000],
      [{ type: "pong", nonce: nonce(2) }, 1_020],
    ]);
    assert.equal(state.rtt, 100 * 7 / 8 + 20 / 8);
    assert.equal(state.variation, 50 * 3 / 4 + 80 / 4);
    assert.deepEqual([state.sent, state.matched, state.unknown, state.misses], [2, 2, 0, 0]);
  });

  it("counts and ignores a pong whose nonce nobody sent, and a second one of the same ping", () => {
    const [state, effects] = run("nonce", [
      [tickWith(1), 0],
      [{ type: "pong", nonce: nonce(9) }, 10],
      [{ type: "pong", nonce: nonce(1) }, 20],
      [{ type: "pong", nonce: nonce(1) }, 30],
    ]);
    assert.deepEqual([state.matched, state.unknown], [1, 2]);
    assert.equal(effects.length, 1);
  });

  it("takes a pong that comes after the next ping: a slow line is no dead one", () => {
    const late: [LivenessEvent, number][] = [];
    for (let n = 0; n < 20; n++) {
      late.push([tickWith(n), n * 1_000]);
      if (n > 1) late.push([{ type: "pong", nonce: nonce(n - 2) }, n * 1_000 + 500]);
    }
    const [state, effects] = run("nonce", late);
    assert.equal(state.matched, 18);
    assert.equal(state.rtt, 2_500);
    assert(effects.every((effect) => effect.type === "ping"));
  });

  it("ends at the third miss in a row, not at three misses with an answer between", () => {
    const ends = (events: [LivenessEvent, number][]) =>
      run("nonce", events)[1].filter((e) => e.type === "end");
    const silent = [0, 1, 2, 3].map((n): [LivenessEvent, number] => [tickWith(n), n * 1_000]);
    assert.equal(ends(silent.slice(0, 3)).length, 0);
    assert.deepEqual(ends(silent).map((end) => end.type === "end" && end.reason), [Reason.pingTimeout]);
    const answered = silent.toSpliced(3, 0, [{ type: "pong", nonce: nonce(2) }, 2_500]);
    assert.equal(ends(answered).length, 0);
  });

  it("counts data as life, because a ping may wait behind it, but wrong pongs not", () => {
    const busy = Array.from(
      { length: 50 },
      (_, n): [LivenessEvent, number] => [tickWith(n, n > 0), n * 1_000],
    );
    const [state, effects] = run("nonce", busy);
    assert(effects.every((effect) => effect.type === "ping"));
    assert.equal(state.outstanding.length, PING_MISSES);
    const wrong = [0, 1, 2, 3].flatMap((n): [LivenessEvent, number][] => [
      [tickWith(n), n * 1_000],
      [{ type: "pong", nonce: nonce(99) }, n * 1_000 + 1],
    ]);
    assert.equal(run("nonce", wrong)[1].at(-1)?.type, "end");
  });

  it("answers so many pings per interval and no more", () => {
    const flood = (from: number, count: number) =>
      Array.from({ length: count }, (): [LivenessEvent, number] => [{ type: "ping", nonce: nonce(1) }, from]);
    assert.equal(run("nonce", [...flood(10, PINGS_ANSWERED), ...flood(1_010, PINGS_ANSWERED)])[1].length, 32);
    const [, effects] = run("nonce", flood(10, PINGS_ANSWERED + 1));
    assert.deepEqual(effects.at(-1)?.type === "end" && effects.at(-1), {
      type: "end",
      reason: Reason.overQuota,
      text: "more than 16 pings in 1000 ms",
    });
  });

  it("with fixed text has one ping outstanding and allows exactly that text", () => {
    const [state, effects] = run("asks", [[tickWith(1), 0], [tickWith(2), 1_000], [{
      type: "text",
      text: "pong",
    }, 1_500]]);
    assert.deepEqual(effects, [{ type: "text", text: "ping" }]);
    assert.equal(state.rtt, 1_500);
    const said = (style: LivenessStyle, text: string) => run(style, [[{ type: "text", text }, 0]])[1];
    assert.deepEqual(said("answers", "ping"), [{ type: "text", text: "pong" }]);
    assert.deepEqual(said("silent", "ping"), []);
    for (const style of ["nonce", "asks", "answers", "silent"] as const) {
      for (const text of ["", "PING", "ping ", "{}"]) assert.equal(said(style, text)[0]?.type, "end");
    }
    assert.equal(said("nonce", "ping")[0]?.type, "end");
    assert.equal(said("asks", "ping")[0]?.type, "end");
  });

  it("keeps its state small and its numbers sound whatever comes", () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant("tick" as const), nonce: fc.nat(5).map(nonce), heard: fc.boolean() }),
      fc.record({ type: fc.constantFrom("ping" as const, "pong" as const), nonce: fc.nat(5).map(nonce) }),
      fc.record({ type: fc.constant("text" as const), text: fc.constantFrom("ping", "pong", "x") }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<LivenessStyle>("nonce", "asks"),
        fc.array(fc.tuple(event, fc.nat(2_000)), { maxLength: 60 }),
        (style, events) => {
          let now = 0;
          const [state] = run(style, events.map(([event, pause]) => [event, now += pause]));
          assert(state.outstanding.length <= PING_MISSES);
          assert(state.misses <= PING_MISSES + events.length);
          assert(state.matched <= state.sent);
          assert(state.rtt === undefined ? state.matched === 0 : state.rtt >= 0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a session's liveness", () => {
  it("matches every ping of both directions for 24 hours, without one close", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, PING_INTERVAL, 4);
    const { dialer, acceptor, dialed, accepted } = await ready({ clock }, { clock, ticker });
    const day = 24 * 3_600_000;
    await clock.advance(day);
    assert.deepEqual([dialed.told, accepted.told], [["ready"], ["ready"]]);
    assert.equal(dialer.pingsSent, day / PING_INTERVAL + 1); // one at once
    assert.equal(acceptor.pingsSent, day / PING_INTERVAL);
    assert.equal(dialer.pongsMatched, dialer.pingsSent);
    assert.equal(acceptor.pongsMatched, acceptor.pingsSent);
    assert.equal(clock.timers, 2);
  });

  it("knows the round trip soon after ready", async () => {
    const { dialer, clock } = await meet({}, {}, { delay: 40 });
    await clock.advance(400);
    assert.equal(dialer.state, "ready");
    assert.equal(dialer.rtt, 80);
  });

  it("declares a silent other side dead at the fourth interval: three pings were missed", async () => {
    const { clock, acceptor, dialer, near, far, dialed, accepted } = await ready();
    near.cut = far.cut = true;
    await clock.advance(4 * PING_INTERVAL - 1);
    assert.deepEqual([acceptor.state, acceptor.pingsSent], ["ready", 3]);
    await clock.advance(1);
    assert.equal(acceptor.state, "draining");
    await clock.advance(1_000);
    assert.deepEqual([dialer.state, acceptor.state], ["closed", "closed"]);
    assert.equal(accepted.end?.reason, Reason.pingTimeout);
    assert.equal(dialed.end?.reason, Reason.pingTimeout);
    assert.equal(accepted.end?.wasReady, true);
    assert.equal(clock.timers, 0);
  });

  it("pings no more once the session is ending", async () => {
    const { clock, acceptor, near, far } = await ready({}, { interval: 100 });
    near.cut = far.cut = true;
    acceptor.close(Reason.closed);
    const { pingsSent } = acceptor;
    await clock.advance(900);
    assert.deepEqual([acceptor.state, acceptor.pingsSent], ["draining", pingsSent]);
  });

  it("survives two missed pings", async () => {
    const { clock, acceptor, near } = await ready();
    near.cut = true;
    await clock.advance(2 * PING_INTERVAL + 1);
    near.cut = false;
    await clock.advance(10 * PING_INTERVAL);
    assert.equal(acceptor.state, "ready");
  });

  it("answers a ping with its nonce, and pings nobody asked for are not counted as pongs", async () => {
    const { near, far, acceptor } = await ready();
    const before = acceptor.pongsMatched;
    near.send(encodePing(nonce(42)));
    near.send(encodePong(nonce(43)));
    await settle();
    assert.deepEqual(frames(far).at(-1), { kind: "pong", nonce: nonce(42) });
    assert.equal(acceptor.pongsMatched, before);
    assert.equal(acceptor.state, "ready");
  });

  it("ends a ping flood with a coded close", async () => {
    const { near, accepted } = await ready();
    for (let i = 0; i <= PINGS_ANSWERED; i++) near.send(encodePing(nonce(i)));
    await settle();
    assert.equal(accepted.end?.reason, Reason.overQuota);
  });

  it("lives on data and its acknowledgements while pings wait behind a full queue", async () => {
    const { clock, acceptor, dialer, near, far } = await ready();
    const data = encodeData(peer.publicKey, new Uint8Array(3));
    for (let i = 0; i < 20; i++) {
      near.cut = far.cut = false;
      near.send(data);
      far.send(data);
      await settle();
      near.cut = far.cut = true; // pings and pongs do not get through
      await clock.advance(PING_INTERVAL);
    }
    assert.deepEqual([dialer.state, acceptor.state], ["ready", "ready"]);
    assert.equal(acceptor.pongsMatched, 0);
  });

  it("by fixed text: the dialer asks, the node needs no timer and answers if its platform does not", async () => {
    const { clock, dialer, near, far } = await ready({}, { liveness: Liveness.text, answerText: true });
    assert.equal(clock.timers, 1);
    await clock.advance(3_600_000);
    assert.equal(dialer.pingsSent, 241);
    assert.equal(dialer.pongsMatched, 241);
    assert.equal(near.sent.at(-1), "ping");
    assert.equal(far.sent.at(-1), "pong");
  });

  it("by fixed text: a platform that stays silent is dead after three misses", async () => {
    const { clock, dialed } = await ready({}, { liveness: Liveness.text });
    await clock.advance(3 * PING_INTERVAL);
    await clock.advance(1_000);
    assert.equal(dialed.end?.reason, Reason.pingTimeout);
  });

  it("by fixed text: any other text ends the session with a code", async () => {
    for (const text of ["pong", "PING", "ping ping", ""]) {
      const { near, accepted } = await ready({}, { liveness: Liveness.text, answerText: true });
      near.send(text);
      await settle();
      assert.equal(accepted.end?.reason, Reason.protocolError);
    }
  });
});

describe("a ticker", () => {
  it("wakes each member once per interval with one timer, and none without members", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, 1_000, 10);
    const ticks = Array.from({ length: 50 }, () => 0);
    const members = ticks.map((_, i) => ({ tick: () => void ticks[i]!++ }));
    const slots: number[] = [];
    for (const member of members) {
      slots.push(ticker.join(member));
      await clock.advance(37);
    }
    assert.equal(clock.timers, 1);
    ticks.fill(0);
    await clock.advance(10_000);
    assert(ticks.every((count) => count === 10));
    members.forEach((member, i) => ticker.leave(member, slots[i]!));
    assert.equal(clock.timers, 0);
  });

  it("does not wake who joins or leaves during a turn", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, 1_000, 1);
    const woken: string[] = [];
    const third = { tick: () => woken.push("third") };
    const second = { tick: () => woken.push("second") };
    const first = {
      tick() {
        woken.push("first");
        ticker.leave(second, 0);
        if (woken.length === 1) ticker.join(third);
      },
    };
    ticker.join(first);
    ticker.join(second);
    await clock.advance(1_000);
    assert.deepEqual(woken, ["first"]);
    await clock.advance(1_000);
    assert.deepEqual(woken, ["first", "first", "third"]);
  });
});

describe("a probe", () => {
  it("ends a session of which nothing comes any more, long before three pings are missed", async () => {
    const { clock, dialer, dialed, near } = await ready();
    await clock.advance(100);
    near.cut = true;
    dialer.probe(3_000);
    await clock.advance(2_999);
    assert.equal(dialer.state, "ready");
    await clock.advance(1_001); // and its goodbye, which nobody answers
    assert.equal(dialed.end?.reason, Reason.pingTimeout);
    assert.equal(dialed.end?.text, "no answer for 3000 ms");
  });

  it("changes nothing where the other side answers, or sends something else", async () => {
    for (const style of [Liveness.nonce, Liveness.text]) {
      const { clock, dialer, dialed } = await ready({}, { liveness: style, answerText: true });
      const sent = dialer.pingsSent;
      dialer.probe(3_000);
      await clock.advance(60_000);
      assert.equal(dialer.state, "ready");
      assert(dialer.pingsSent > sent);
      assert.deepEqual(dialed.ends, []);
    }
  });

  it("is nothing to a session that has ended, and leaves no timer behind", async () => {
    const { clock, dialer } = await ready();
    dialer.probe(3_000);
    dialer.close(Reason.closed);
    await clock.advance(1_100);
    dialer.probe(3_000);
    assert.equal(clock.timers, 0);
    assert.equal(dialer.state, "closed");
  });
});
