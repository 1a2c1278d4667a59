import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Choice,
  type ChoiceEffect,
  type ChoiceEvent,
  choose,
  deadline,
  newChoice,
  whyOf,
} from "../../src/path/choice.ts";
import { ATTEMPT_MIN, DEAD_AFTER, HOLD_MIN, IDLE_INTERVAL } from "../../src/path/limits.ts";
import type { Look } from "../../src/path/quality.ts";

const NOTHING = { sent: 0, lost: 0, bytes: 0, limited: 0, progressAt: -Infinity };
const IDLE: Look = { path: NOTHING, rtt: 10, relay: NOTHING, relayRtt: 20 };

/** A choice and a network of paths that answer, or do not. */
class Bench {
  state: Choice = newChoice(false);
  now = 0;
  /** Paths that answer challenges, and how long that takes. */
  readonly answers = new Map<number, number>();
  readonly used: { at: number; id: number; abrupt: boolean }[] = [];
  readonly dropped: number[] = [];
  /** What the other steps never may: challenges of each path, by time. */
  readonly asked: { at: number; id: number }[] = [];
  attempts = 0;
  busy = false;
  look: Look = IDLE;
  private due: { at: number; event: ChoiceEvent }[] = [];

  constructor({ source = false, first = true }: { source?: boolean; first?: boolean } = {}) {
    this.happen({ type: "relay", up: true });
    this.happen({ type: "opened", source, first });
  }

  happen(event: ChoiceEvent): void {
    const frozen = JSON.stringify(this.state);
    const { state, effects } = choose(this.state, event, this.now);
    assert.equal(JSON.stringify(this.state), frozen, "the state before is left as it is");
    this.state = state;
    for (const effect of effects) this.act(effect);
  }

  private act(effect: ChoiceEffect): void {
    if (effect.type === "attempt") this.attempts++;
    else if (effect.type === "use") this.used.push({ at: this.now, id: effect.id, abrupt: effect.abrupt });
    else if (effect.type === "drop") {
      this.dropped.push(effect.id);
      this.happen({ type: "gone", id: effect.id, reason: effect.reason });
    } else {
      this.asked.push({ at: this.now, id: effect.id });
      const rtt = this.answers.get(effect.id);
      if (rtt === undefined) return;
      this.due.push({ at: this.now + rtt, event: { type: "answered", id: effect.id, rtt } });
    }
  }

  offer(id: number, rtt: number, kind: "direct" | "local" = "direct"): void {
    this.answers.set(id, rtt);
    this.happen({ type: "offered", id, kind, why: "punched" });
  }

  /** Lets time pass; answers come and deadlines are kept. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let steps = 0;; steps++) {
      if (this.busy && this.state.activeUntil - this.now < 1_000) this.happen({ type: "busy" });
      assert.ok(steps < 20_000, "a deadline stays in the past");
      const tick = deadline(this.state);
      const next = this.due.toSorted((a, b) => a.at - b.at)[0];
      const at = Math.min(tick, next?.at ?? Infinity);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (next && next.at <= tick) {
        this.due.splice(this.due.indexOf(next), 1);
        this.happen(next.event);
      } else {
        const { busy, look } = this;
        this.happen({ type: "tick", late: 0, busy, progressAt: -Infinity, look });
      }
    }
    this.now = until;
  }
}

describe("the choice of a path", () => {
  it("uses a path once a challenge came back over it, not before", () => {
    const bench = new Bench();
    bench.offer(1, 40);
    bench.pass(39);
    assert.deepEqual(bench.used, []);
    bench.pass(1);
    assert.deepEqual(bench.used, [{ at: 40, id: 1, abrupt: false }]);
    assert.equal(whyOf(bench.state, bench.now), "direct: punched");
  });

  it("drops a candidate over which nothing comes back", () => {
    const bench = new Bench();
    bench.happen({ type: "offered", id: 1, kind: "direct", why: "" });
    bench.pass(10_000);
    assert.deepEqual([bench.used, bench.dropped], [[], [1]]);
    assert.equal(whyOf(bench.state, bench.now), "relay: direct closed: nothing came back over it");
  });

  it("leaves a path that went silent within a second, abruptly, and drops it if it stays so", () => {
    const bench = new Bench();
    bench.offer(1, 40);
    bench.busy = true;
    bench.pass(5_000);
    bench.answers.clear();
    bench.pass(30_000);
    const left = bench.used[1]!;
    assert.equal(left.id, 0);
    assert.ok(left.abrupt);
    assert.ok(left.at - 5_000 < 1_000, `${left.at - 5_000} ms`);
    assert.deepEqual(bench.dropped, [1]);
  });

  it("one lost challenge of an idle path kills nothing", () => {
    const bench = new Bench();
    bench.offer(1, 40);
    bench.pass(4_000);
    bench.answers.clear();
    const asked = bench.asked.length;
    while (bench.asked.length === asked) bench.pass(10);
    bench.answers.set(1, 40);
    bench.pass(2 * IDLE_INTERVAL);
    assert.equal(bench.used.length, 1);
  });

  it("what slept itself does not blame the path", () => {
    const bench = new Bench();
    bench.offer(1, 40);
    bench.busy = true;
    bench.pass(1_000);
    bench.now += 20_000; // no timer ran
    bench.happen({ type: "tick", late: 20_000, busy: true, progressAt: -Infinity, look: IDLE });
    bench.pass(300);
    assert.equal(bench.used.length, 1);
  });

  it("acknowledged data is as good as an answer that waits in a queue behind it", () => {
    const bench = new Bench();
    bench.offer(1, 40);
    bench.pass(100);
    bench.answers.clear();
    for (let i = 0; i < 30; i++) {
      bench.now += 100;
      bench.happen({ type: "tick", late: 0, busy: true, progressAt: bench.now - 20, look: IDLE });
    }
    assert.equal(bench.used.length, 1);
    bench.busy = true;
    bench.pass(DEAD_AFTER + 200);
    assert.equal(bench.used[1]!.id, 0);
  });

  it("a path that flaps waits longer each time", () => {
    const bench = new Bench();
    bench.offer(1, 20);
    bench.busy = true;
    bench.pass(1_000);
    const waits: number[] = [];
    for (let flap = 0; flap < 4; flap++) {
      bench.answers.clear();
      bench.pass(900);
      bench.answers.set(1, 20);
      const back = bench.now;
      const uses = bench.used.length;
      while (bench.used.length === uses) bench.pass(100);
      waits.push(bench.now - back);
      bench.pass(100);
    }
    assert.ok(waits[0]! >= HOLD_MIN);
    for (let i = 1; i < waits.length; i++) assert.ok(waits[i]! > 1.8 * waits[i - 1]!, waits.join(" "));
  });

  it("local goes before direct, and a path that is held is used when there is nothing else", () => {
    const bench = new Bench();
    bench.offer(1, 20);
    bench.pass(500);
    bench.offer(2, 1, "local");
    bench.pass(500);
    assert.equal(bench.state.using, 2);
    bench.happen({ type: "gone", id: 2, reason: "the tab was closed" });
    assert.equal(bench.state.using, 1);
    bench.answers.clear();
    bench.happen({ type: "busy" });
    bench.busy = true;
    bench.pass(1_000);
    assert.equal(bench.state.using, 0);
    bench.answers.set(1, 20);
    bench.pass(300);
    assert.equal(bench.state.using, 0);
    bench.happen({ type: "relay", up: false });
    bench.pass(300);
    assert.equal(bench.state.using, 1);
  });

  it("wants attempts: the side with the smaller key at once, again after a minute, then ever less often", () => {
    const bench = new Bench({ source: true });
    assert.equal(bench.attempts, 1);
    assert.equal(new Bench({ source: true, first: false }).attempts, 0);
    for (const [wait, count] of [[ATTEMPT_MIN, 2], [2 * ATTEMPT_MIN, 3]] as const) {
      bench.happen({ type: "attempted", why: "attempt 7 ended no-candidate-pair after 5 s", retryAfter: 0 });
      assert.equal(
        whyOf(bench.state, bench.now),
        `relay: attempt 7 ended no-candidate-pair after 5 s; next try in ${wait / 1_000} s`,
      );
      bench.pass(wait);
      assert.equal(bench.attempts, count);
    }
  });

  it("wants no attempt without a relay to arrange it, nor beside a path that answers", () => {
    const bench = new Bench({ source: true, first: false });
    bench.happen({ type: "relay", up: false });
    bench.pass(10_000);
    bench.offer(1, 20);
    bench.pass(100);
    bench.happen({ type: "relay", up: true });
    bench.pass(100_000);
    assert.equal(bench.attempts, 0);
    bench.happen({ type: "gone", id: 1, reason: "closed" });
    bench.pass(100_000);
    assert.equal(bench.attempts, 1);
  });

  it("leaves a lossy path for the relay when that carries more, says so, and tries again later", () => {
    const bench = new Bench();
    bench.offer(1, 20);
    bench.pass(100);
    const flow = (ms: number, rate: number, loss: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        const by = bench.state.using === 0 ? "relay" : "path";
        const before = bench.look[by];
        const frames = (rate * 100) / 1_000;
        const carried = {
          sent: before.sent + frames,
          lost: before.lost + frames * loss,
          bytes: before.bytes + rate * 100,
          limited: before.limited + 100,
          progressAt: bench.now,
        };
        bench.look = { ...bench.look, [by]: carried };
        bench.busy = true;
        bench.pass(100);
        if (bench.state.using !== (by === "relay" ? 0 : 1)) return;
      }
    };
    flow(10_000, 300, 0.021);
    assert.equal(bench.state.using, 0);
    assert.match(whyOf(bench.state, bench.now)!, /lost 2\.1 % and carried 0\.3 MB\/s; the relay is being/);
    flow(10_000, 9_000, 0);
    assert.match(
      whyOf(bench.state, bench.now)!,
      /^relay: direct lost 2\.1 % and carried 0\.3 MB\/s against 9\.0 MB\/s; next try in \d+ s$/,
    );
    bench.pass(61_000);
    assert.equal(bench.state.using, 1);
  });

  it("goes back to a lossy path that still carries more than the relay", () => {
    const bench = new Bench();
    bench.offer(1, 20);
    bench.pass(100);
    for (let i = 0; i < 200; i++) {
      const by = bench.state.using === 0 ? "relay" : "path";
      const rate = by === "relay" ? 100 : 5_000;
      const { sent, lost, bytes, limited } = bench.look[by];
      const lose = by === "path" ? 10 : 0;
      const carried = {
        sent: sent + rate,
        lost: lost + lose * rate / 500,
        bytes: bytes + rate * 100,
        limited: limited + 100,
        progressAt: bench.now,
      };
      bench.look = { ...bench.look, [by]: carried };
      bench.busy = true;
      bench.pass(100);
    }
    assert.deepEqual(bench.used.map(({ id }) => id), [1, 0, 1]);
  });
});

describe("whatever happens to paths", () => {
  const act = fc.oneof(
    fc.record({
      type: fc.constant("offer" as const),
      rtt: fc.integer({ min: 1, max: 120 }),
      local: fc.boolean(),
    }),
    fc.record({ type: fc.constant("silence" as const), id: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ type: fc.constant("wake" as const), id: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ type: fc.constant("close" as const), id: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ type: fc.constant("relay" as const), up: fc.boolean() }),
    fc.record({ type: fc.constant("busy" as const), busy: fc.boolean() }),
    fc.record({ type: fc.constant("fail" as const) }),
    fc.record({ type: fc.constant("stall" as const) }),
    fc.record({ type: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 5_000 }) }),
  );

  it("what is used has answered; a silent path is not used for a second while data waits and a relay is there", () => {
    fc.assert(fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const bench = new Bench({ source: true });
      let made = 0;
      let silentSince = Infinity;
      for (const each of acts) {
        if (each.type === "offer" && made < 6) bench.offer(++made, each.rtt, each.local ? "local" : "direct");
        else if (each.type === "silence") bench.answers.delete(each.id);
        else if (each.type === "wake" && each.id <= made) bench.answers.set(each.id, 30);
        else if (each.type === "close") bench.happen({ type: "gone", id: each.id, reason: "closed" });
        else if (each.type === "relay") bench.happen({ type: "relay", up: each.up });
        else if (each.type === "busy" && (bench.busy = each.busy)) bench.happen({ type: "busy" });
        else if (each.type === "stall") bench.happen({ type: "stalled" });
        else if (each.type === "fail" && bench.state.attempts.kind === "running") {
          bench.happen({ type: "attempted", why: "failed", retryAfter: 0 });
        } else if (each.type === "pass") bench.pass(each.ms);
        const { using, paths, relay } = bench.state;
        const path = paths.find(({ id }) => id === using);
        assert.ok(using === 0 || path?.phase === "ready");
        const silent = using !== 0 && !bench.answers.has(using);
        silentSince = silent && bench.busy && relay ? Math.min(silentSince, bench.now) : Infinity;
        if (silentSince === Infinity) continue;
        bench.pass(1_000);
        assert.ok(bench.state.using !== using, "used while silent");
        silentSince = Infinity;
      }
      // Once the weather is fair again, both what is best and the deadlines are as they should be.
      bench.happen({ type: "relay", up: true });
      bench.pass(400_000);
      const alive = bench.state.paths.filter(({ id }) => bench.answers.has(id));
      if (alive.length > 0) assert.notEqual(bench.state.using, 0);
      else assert.equal(bench.state.using, 0);
    }));
  });
});
