import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Session } from "../../src/session/session.ts";
import { SHORT, Turn } from "../../src/session/turn.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { encodeNotice } from "../../src/wire/frames.ts";
import { MAX_BATCH } from "../../src/wire/limits.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { concatFrames, splitFrames } from "../../src/wire/sequence.ts";
import { type Meeting, node, otherPeer, ready } from "./meeting.ts";
import { settle } from "./virtual_clock.ts";

const data = (n: number, size = 1) => encodeData(otherPeer.publicKey, new Uint8Array(size).fill(n));

interface Scene extends Meeting {
  /** Ends the turn of the event loop. */
  endTurn(): Promise<void>;
  /** What the acceptor sent since its welcome. */
  said(): Uint8Array[];
  left: { message: Uint8Array; frames: number; waiting: number }[];
}

/** Whether the session took the batch to send it later. */
function gather(session: Session, batch: Uint8Array, frames = 1): boolean {
  if (!session.gathers(batch.length)) return false;
  session.gather(batch, frames);
  return true;
}

/** A session whose acceptor gathers. */
async function scene(copies = false): Promise<Scene> {
  const ends: (() => void)[] = [];
  const meeting = await ready({}, { turn: new Turn((run) => void ends.push(run)) });
  const left: Scene["left"] = [];
  meeting.accepted.left = (_: Session, message: Uint8Array, frames: number, waiting: number) =>
    void left.push({ message: message.slice(), frames, waiting });
  Object.assign(meeting.far, { copies });
  await settle();
  const from = meeting.far.sent.length;
  const said = () => meeting.far.sent.slice(from) as Uint8Array[];
  const endTurn = async () => {
    ends.splice(0).forEach((run) => run());
    await settle();
  };
  return Object.assign(meeting, { endTurn, said, left });
}

describe("what a session gathers", () => {
  for (const copies of [false, true]) {
    it(`leaves at the end of the turn as one message, in order (the socket ${copies ? "copies" : "does not"})`, async () => {
      const { acceptor, dialed, endTurn, said, left } = await scene(copies);
      for (const round of [0, 10]) {
        assert.equal(gather(acceptor, data(round)), true);
        assert.equal(gather(acceptor, concatFrames([data(round + 1), data(round + 2)]), 2), true);
        await settle();
        assert.equal(said().length, round / 10);
        await endTurn();
        assert.equal(left.at(-1)!.frames, 3);
      }
      assert.equal(said().length, 2);
      assert.deepEqual(dialed.frames, [0, 1, 2, 10, 11, 12].map((n) => data(n)));
      assert.deepEqual(left.map(({ waiting }) => waiting), [0, 0]);
    });
  }

  it("keeps its place among frames and batches that go otherwise", async () => {
    const { acceptor, dialed, endTurn } = await scene();
    acceptor.send(encodeNotice(Reason.gone, node.publicKey));
    gather(acceptor, data(1));
    acceptor.sendBatch(data(2));
    gather(acceptor, data(3));
    acceptor.send(encodeNotice(Reason.gone, node.publicKey));
    gather(acceptor, data(4));
    await endTurn();
    assert.deepEqual(dialed.told.slice(-6), ["notice", "data", "data", "data", "notice", "data"]);
    assert.deepEqual(dialed.frames, [1, 2, 3, 4].map((n) => data(n)));
  });

  it("goes before the bye of a session that is closed in the same turn", async () => {
    const { acceptor, dialed, endTurn } = await scene();
    gather(acceptor, data(1));
    acceptor.close(Reason.disconnected);
    assert.equal(gather(acceptor, data(2)), false);
    await endTurn();
    assert.deepEqual(dialed.frames, [data(1)]);
    assert.equal(dialed.end?.reason, Reason.disconnected);
  });

  it("is told as lost when the socket closed in the same turn", async () => {
    const { acceptor, accepted, far, endTurn, left } = await scene();
    gather(acceptor, data(1));
    Object.assign(far, { send: () => -1 });
    far.handlers!.closed(1006, "gone");
    assert.deepEqual(left, [{ message: data(1), frames: 1, waiting: -1 }]);
    assert.equal(accepted.ends.length, 1);
    await endTurn();
    assert.equal(left.length, 1);
  });

  it("never makes a message of too many frames", async () => {
    const { acceptor, dialed, endTurn, said } = await scene();
    const few = concatFrames(Array.from({ length: 100 }, (_, n) => data(n)));
    for (let i = 0; i < 6; i++) assert.equal(gather(acceptor, few, 100), true);
    await endTurn();
    assert.deepEqual(said().map((message) => splitFrames(message)!.length), [200, 200, 200]);
    assert.ok(200 <= MAX_BATCH);
    assert.equal(dialed.frames.length, 600);
  });

  it("is nothing long, and nothing at all where no turn is shared", async () => {
    const { acceptor, dialer } = await scene();
    assert.equal(gather(acceptor, data(0, SHORT)), false);
    assert.equal(gather(dialer, data(0)), false);
  });

  it("ends its session, not the process, when the owner throws at what left", async () => {
    const { acceptor, accepted, endTurn } = await scene();
    accepted.left = () => {
      throw new Error("the owner's mistake");
    };
    gather(acceptor, data(1));
    await endTurn();
    assert.equal(accepted.errors.length, 1);
    assert.equal(acceptor.state, "closed");
  });
});

describe("a batch that comes alone", () => {
  const LONE_TURNS = 8;

  it("leaves at once when those of many turns before did, and waits again once one had company", async () => {
    const { acceptor, dialed, endTurn } = await scene();
    for (let turn = 0; turn < LONE_TURNS; turn++) {
      assert.equal(gather(acceptor, data(turn)), true);
      await endTurn();
    }
    for (const _ of [0, 1, 2]) {
      assert.equal(acceptor.gathers(100), false);
      await endTurn();
    }
    assert.equal(acceptor.gathers(100), false);
    assert.equal(gather(acceptor, data(100)), true); // the second of this turn
    await endTurn();
    for (let turn = 0; turn < LONE_TURNS; turn++) {
      assert.equal(gather(acceptor, data(turn)), true);
      await endTurn();
    }
    assert.equal(acceptor.gathers(100), false);
    assert.equal(dialed.frames.length, 2 * LONE_TURNS + 1);
  });

  it("keeps its place, and no turn costs more than two messages", async () => {
    const turns = fc.array(fc.oneof(fc.constant(1), fc.nat({ max: 4 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(turns, async (turns) => {
        const { acceptor, dialed, endTurn, said } = await scene();
        let count = 0;
        for (const batches of turns) {
          const before = said().length;
          for (let batch = 0; batch < batches; batch++, count++) {
            if (!gather(acceptor, data(count))) acceptor.sendBatch(data(count));
          }
          await endTurn();
          assert.ok(said().length - before <= Math.min(batches, 2));
        }
        assert.deepEqual(dialed.frames, Array.from({ length: count }, (_, n) => data(n)));
      }),
      { numRuns: 20 },
    );
  });
});

it("a turn settles each session once, whoever gathered between", () => {
  let ends = 0;
  const runs: (() => void)[] = [];
  const turn = new Turn((run) => void runs.push(run));
  const settling = (settle: () => void) => ({ settle, turn: -1, loneTurns: 0 });
  const session = settling(() => ends++);
  turn.done(turn.begin(session));
  turn.begin(settling(() => void turn.begin(session))); // in the turn's end: that is the next turn
  assert.equal(runs.length, 1);
  runs.shift()!();
  assert.deepEqual([ends, runs.length], [1, 1]);
  runs.shift()!();
  assert.equal(ends, 2);
});
