import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dialSession } from "../../src/session/dial.ts";
import { DRAIN } from "../../src/session/lifecycle.ts";
import { HANDSHAKE_STEP } from "../../src/wire/limits.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { dialing, Log, meet, ready } from "./meeting.ts";
import { socketPair } from "./socket_pair.ts";
import { stranger } from "./stranger.ts";
import { settle, VirtualClock } from "./virtual_clock.ts";

const never = () => new Promise<never>(() => {});

/** The dialer alone, against a node that does nothing of itself. */
async function alone(opens: boolean) {
  const [clock, log] = [new VirtualClock(), new Log()];
  const [near] = socketPair(clock);
  near.cut = true;
  const session = dialSession({
    ...dialing(clock, log),
    connect(_, ears) {
      near.handlers = ears;
      if (opens) queueMicrotask(() => ears.open?.());
      return near;
    },
  });
  await settle();
  return { clock, log, session, near };
}

describe("each step has its deadline", () => {
  for (const opens of [false, true]) {
    it(`a dialer whose socket ${opens ? "opens but hears no hello" : "never opens"}`, async () => {
      const { clock, log, session } = await alone(opens);
      await clock.advance(HANDSHAKE_STEP - 1);
      assert.equal(session.state, "connecting");
      await clock.advance(1);
      assert.equal(session.state, "draining");
      assert.equal(log.ends.length, 0);
      await clock.advance(DRAIN); // the socket does not answer, so it is dropped
      assert.equal(log.end?.reason, Reason.handshakeTimeout);
      assert.equal(clock.timers, 0);
    });
  }

  it("a dialer whose token or early frames do not come", async () => {
    for (const stuck of [{ token: never }, { early: never }, { sign: never }]) {
      const { clock, dialed, accepted } = await meet(stuck);
      await clock.advance(HANDSHAKE_STEP + DRAIN);
      assert.equal(dialed.end?.reason, Reason.handshakeTimeout);
      assert.equal(accepted.end?.reason, Reason.handshakeTimeout);
      assert.equal(clock.timers, 0);
    }
  });

  it("a dialer that waits for its welcome, or for its verification", async () => {
    for (const stuck of ["authorize", "verify"]) {
      const meeting = stuck === "verify"
        ? meet({ verify: never })
        : meet({}, { authorize: never, deadline: 60_000 });
      const { clock, dialed } = await meeting;
      await clock.advance(HANDSHAKE_STEP + DRAIN);
      assert.equal(dialed.end?.reason, Reason.handshakeTimeout);
    }
  });

  it("a node whose dialer does not say who it is", async () => {
    const { clock, log, near } = await stranger();
    await clock.advance(HANDSHAKE_STEP - 1);
    assert.equal(log.ends.length, 0);
    await clock.advance(1);
    assert.equal(log.end?.reason, Reason.handshakeTimeout);
    assert.equal(near.other.closedWith?.code, 4000 + Reason.handshakeTimeout);
    assert.equal(clock.timers, 0);
  });

  it("a node whose verdict, verification or signature does not come", async () => {
    for (const stuck of [{ authorize: never }, { verify: never }, { sign: never }]) {
      const { clock, accepted } = await meet({ deadline: 60_000 }, stuck);
      await clock.advance(HANDSHAKE_STEP + DRAIN);
      assert.equal(accepted.end?.reason, Reason.handshakeTimeout);
    }
  });

  it("begins anew with each step: four slow ones do not add up", async () => {
    const clock = new VirtualClock();
    const later = <T>(value: T) =>
      new Promise<T>((resolve) => clock.after(HANDSHAKE_STEP - 1, () => resolve(value)));
    const slow = { clock, token: () => later("token") };
    const { dialer, acceptor } = await meet(slow, {
      deadline: 2 * HANDSHAKE_STEP,
      authorize: () => later({ ok: true as const }),
    });
    await clock.advance(3 * HANDSHAKE_STEP);
    assert.deepEqual([dialer.state, acceptor.state], ["ready", "ready"]);
  });

  it("and takes as long as the option says", async () => {
    const { clock, log } = await stranger({ deadline: 70 });
    await clock.advance(70);
    assert.equal(log.end?.reason, Reason.handshakeTimeout);
  });

  it("the other side of a close that is never answered is dropped after a second", async () => {
    const { clock, dialer, dialed, near } = await ready();
    near.cut = true;
    dialer.close(Reason.closed);
    await clock.advance(DRAIN - 1);
    assert.equal(dialer.state, "draining");
    assert.equal(dialer.send(new Uint8Array(1)), -1);
    await clock.advance(1);
    assert.equal(dialer.state, "closed");
    assert.equal(near.terminated, true);
    assert.deepEqual(dialed.told, ["ready", "closed"]);
  });
});
