import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ASK_PATIENCE, GATHER_PATIENCE, VERDICT_GRACE } from "../../src/path/attempt.ts";
import { MAX_START_DELAY } from "../../src/rendezvous/broker.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { reasonName } from "../../src/wire/reason.ts";
import { BrokerWorld } from "./broker_world.ts";

const ms = (delay: number) => () => delay;
const outcomes = (world: BrokerWorld) =>
  world.sides.map(({ ends }) => ends.map(({ over }) => reasonName(over.reason)));

describe("the broker", () => {
  it("calls an attempt connected once both sides said so, and tells both", () => {
    for (const nodes of [[0, 0], [0, 1]] as [number, number][]) {
      const world = new BrokerWorld(nodes, ms(20));
      world.ask(0);
      world.run();
      assert.deepEqual(outcomes(world), [["connected"], ["connected"]]);
      assert.deepEqual(world.ends, [{ node: 0, reason: Reason.connected }]);
      assert.equal(world.brokers[0]!.size, 0);
    }
  });
  it("does not call connected what one side alone reached", () => {
    const world = new BrokerWorld([0, 1], ms(20));
    world.sides[1]!.reaches = false;
    world.ask(0);
    world.run();
    assert.deepEqual(outcomes(world), [["timed-out"], ["timed-out"]]);
  });
  it("starts both at the same moment, however far they are", () => {
    const world = new BrokerWorld([0, 0], ms(0));
    const delays = [7, 120];
    const broker = world.brokers[0]!;
    const [near, far] = world.sides.map(({ key }) => key);
    const effects = broker.ask(near!, { kind: "attempt", request: 1, peer: far! }, true, 0);
    const granted = effects.find((effect) => effect.type === "tell" && effect.frame.kind === "granted");
    assert(granted?.type === "tell" && granted.frame.kind === "granted");
    const answer = (held: number) => ({
      kind: "answer" as const,
      attempt: (granted.frame as { attempt: Uint8Array }).attempt,
      broker: new Uint8Array(32).fill(100),
      reason: 0,
      held,
    });
    assert.deepEqual(broker.answer(near!, answer(3), 2 * delays[0]! + 3), []);
    const started = broker.answer(far!, answer(500), 2 * delays[1]! + 500);
    const moments = started.map((effect, i) => {
      assert(effect.type === "tell" && effect.frame.kind === "start");
      return delays[i]! + effect.frame.delay;
    });
    assert.equal(moments[0], moments[1]);
  });
  it("ends what is refused, unanswered, cancelled or left, each by its name", () => {
    const cases: [string, (world: BrokerWorld) => void][] = [
      ["refused", (world) => void (world.sides[1]!.accepts = false)],
      ["cancelled", (world) => world.at(85, () => world.cancel(0))],
      ["peer-gone", (world) => world.at(85, () => world.leave(1))],
    ];
    for (const [outcome, act] of cases) {
      const world = new BrokerWorld([0, 1], ms(10));
      act(world);
      world.ask(0);
      world.run();
      assert.deepEqual(world.ends.map(({ reason }) => reasonName(reason)), [outcome]);
      assert.deepEqual(outcomes(world), [[outcome], [outcome]]);
    }
    let frames = 0;
    const world = new BrokerWorld([0, 0], () => ++frames === 3 ? "lost" : 10); // the invite
    world.ask(0);
    world.run();
    assert.deepEqual(outcomes(world), [["unanswered"], []]);
  });
  it("makes one attempt of two asks, that of the smaller key", () => {
    for (const nodes of [[0, 0], [0, 1]] as [number, number][]) {
      for (const later of [0, 5, 15, 25, 35, 45]) {
        for (const first of [0, 1]) {
          const world = new BrokerWorld(nodes, ms(10));
          world.ask(first);
          world.at(later, () => world.ask(1 - first));
          world.run();
          const connected = world.ends.filter(({ reason }) => reason === Reason.connected);
          assert.equal(connected.length, 1, `${nodes} ${later} ${first}`);
          assert.equal(world.ends.length, 1);
          for (const { ends } of world.sides) {
            assert.equal(ends.filter(({ over }) => over.reason === Reason.connected).length, 1);
          }
        }
      }
    }
  });
  it("bounds how often a peer and a pair may ask, and says when to ask again", () => {
    const world = new BrokerWorld([0, 0], ms(1), { pairAttemptBurst: 2, pairAttemptsPerMinute: 6 });
    for (let i = 0; i < 3; i++) world.at(i * 500, () => world.ask(0));
    world.run();
    const [, , third] = world.sides[0]!.ends;
    assert.equal(third!.over.reason, Reason.rateLimited);
    assert.ok(
      third!.over.retryAfter! > 8_000 && third!.over.retryAfter! <= 10_000,
      `${third!.over.retryAfter}`,
    );
    assert.deepEqual(world.denied, [Reason.rateLimited]);
    const wait = third!.over.retryAfter!;
    const asked = world.now;
    world.at(wait, () => world.ask(0));
    world.run();
    assert.ok(world.now >= asked + wait);
    assert.equal(world.sides[0]!.ends.at(-1)!.over.reason, Reason.connected);
  });
  it("takes no more attempts than it has room for", () => {
    const world = new BrokerWorld([0, 0], ms(1), { attempts: 1 });
    const broker = world.brokers[0]!;
    const key = (fill: number) => new Uint8Array(32).fill(fill);
    broker.ask(key(1), { kind: "attempt", request: 1, peer: key(2) }, true, 0);
    const [denied] = broker.ask(key(3), { kind: "attempt", request: 1, peer: key(4) }, true, 0);
    assert.deepEqual(denied, { type: "denied", reason: Reason.overCapacity, peer: key(3) });
  });
  it("forgets everything after the last deadline, the rates too", () => {
    const world = new BrokerWorld([0, 1], ms(1));
    world.ask(0);
    world.run();
    assert.deepEqual([world.brokers[0]!.size, world.brokers[0]!.rates.size, world.brokers[0]!.due], [
      0,
      0,
      Infinity,
    ]);
  });
});

describe("whatever happens to frames and nodes, an attempt", () => {
  it("ends once on each side, with one outcome, by its deadline, and leaves nothing", () => {
    const fate = fc.infiniteStream(
      fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.constant("lost" as const) }),
    );
    const plan = fc.record({
      nodes: fc.constantFrom<[number, number]>([0, 0], [0, 1]),
      fate,
      asks: fc.array(fc.record({ side: fc.nat(1), at: fc.nat(9_000) }), { minLength: 1, maxLength: 6 }),
      death: fc.option(fc.record({ node: fc.nat(1), at: fc.nat(6_000) })),
      leaves: fc.option(fc.record({ side: fc.nat(1), at: fc.nat(6_000) })),
      cancels: fc.option(fc.record({ side: fc.nat(1), at: fc.nat(6_000) })),
      accepts: fc.boolean(),
      reaches: fc.tuple(fc.boolean(), fc.boolean()),
      gathers: fc.tuple(fc.nat(60), fc.constantFrom(0, 40, 60_000)),
    });
    fc.assert(
      fc.property(plan, (plan) => {
        const world = new BrokerWorld(plan.nodes, () => plan.fate.next().value);
        world.sides[1]!.accepts = plan.accepts;
        plan.reaches.forEach((reaches, i) => world.sides[i]!.reaches = reaches);
        plan.gathers.forEach((gathers, i) => world.sides[i]!.gathers = gathers);
        for (const { side, at } of plan.asks) {
          world.at(at, () => world.ask(side));
        }
        if (plan.death) world.at(plan.death.at, () => world.kill(plan.death!.node));
        if (plan.leaves) world.at(plan.leaves.at, () => world.leave(plan.leaves!.side));
        if (plan.cancels) world.at(plan.cancels.at, () => world.cancel(plan.cancels!.side));
        world.run();
        const { attemptAnswer, attemptConnect } = world.limits;
        const longest = ASK_PATIENCE + GATHER_PATIENCE + attemptAnswer + VERDICT_GRACE + MAX_START_DELAY +
          attemptConnect +
          VERDICT_GRACE;

        for (const broker of world.brokers) {
          assert.equal(broker?.size ?? 0, 0);
          assert.equal(broker?.rates.size ?? 0, 0);
        }
        if (!plan.death) assert.equal(world.ends.length + world.superseded, world.granted);
        const byId = new Map<string, Set<number>>();
        for (const { ends, state } of world.sides) {
          assert.equal(state, undefined); // none goes on for ever
          const ids = ends.flatMap(({ id }) => id ?? []);
          assert.equal(new Set(ids).size, ids.length); // and none ends twice
          for (const { id, over, lasted } of ends) {
            assert.ok(lasted <= longest, `${lasted}`);
            if (!id || !over.verdict) continue;
            byId.set(id, (byId.get(id) ?? new Set()).add(over.reason));
          }
        }
        // What the broker says of an attempt it says to both alike.
        for (const reasons of byId.values()) assert.equal(reasons.size, 1);
        if (!plan.reaches[0] || !plan.reaches[1]) {
          assert.ok(world.ends.every(({ reason }) => reason !== Reason.connected));
        }
      }),
      { numRuns: 300 },
    );
  });
});
