import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
        assert.equal(acceptor.gather(data(round), 1), true);
        assert.equal(acceptor.gather(concatFrames([data(round + 1), data(round + 2)]), 2), true);
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
    acceptor.gather(data(1), 1);
    acceptor.sendBatch(data(2));
    acceptor.gather(data(3), 1);
    acceptor.send(encodeNotice(Reason.gone, node.publicKey));
    acceptor.gather(data(4), 1);
    await endTurn();
    assert.deepEqual(dialed.told.slice(-6), ["notice", "data", "data", "data", "notice", "data"]);
    assert.deepEqual(dialed.frames, [1, 2, 3, 4].map((n) => data(n)));
  });

  it("goes before the bye of a session that is closed in the same turn", async () => {
    const { acceptor, dialed, endTurn } = await scene();
    acceptor.gather(data(1), 1);
    acceptor.close(Reason.disconnected);
    assert.equal(acceptor.gather(data(2), 1), false);
    await endTurn();
    assert.deepEqual(dialed.frames, [data(1)]);
    assert.equal(dialed.end?.reason, Reason.disconnected);
  });

  it("is told as lost when the socket closed in the same turn", async () => {
    const { acceptor, accepted, far, endTurn, left } = await scene();
    acceptor.gather(data(1), 1);
    Object.assign(far, { send: () => -1 });
    far.handlers!.close(1006, "gone");
    assert.deepEqual(left, [{ message: data(1), frames: 1, waiting: -1 }]);
    assert.equal(accepted.ends.length, 1);
    await endTurn();
    assert.equal(left.length, 1);
  });

  it("never makes a message of too many frames", async () => {
    const { acceptor, dialed, endTurn, said } = await scene();
    const few = concatFrames(Array.from({ length: 100 }, (_, n) => data(n)));
    for (let i = 0; i < 6; i++) assert.equal(acceptor.gather(few, 100), true);
    await endTurn();
    assert.deepEqual(said().map((message) => splitFrames(message)!.length), [200, 200, 200]);
    assert.ok(200 <= MAX_BATCH);
    assert.equal(dialed.frames.length, 600);
  });

  it("is nothing long, and nothing at all where no turn is shared", async () => {
    const { acceptor, dialer } = await scene();
    assert.equal(acceptor.gather(data(0, SHORT), 1), false);
    assert.equal(dialer.gather(data(0), 1), false);
  });

  it("ends its session, not the process, when the owner throws at what left", async () => {
    const { acceptor, accepted, endTurn } = await scene();
    accepted.left = () => {
      throw new Error("the owner's mistake");
    };
    acceptor.gather(data(1), 1);
    await endTurn();
    assert.equal(accepted.errors.length, 1);
    assert.equal(acceptor.state, "closed");
  });
});

it("a turn settles each session once, whoever gathered between", () => {
  let ends = 0;
  const runs: (() => void)[] = [];
  const turn = new Turn((run) => void runs.push(run));
  const session = { settle: () => void ends++ };
  turn.done(turn.begin(session));
  turn.begin({ settle: () => void turn.begin(session) }); // in the turn's end: that is the next turn
  assert.equal(runs.length, 1);
  runs.shift()!();
  assert.deepEqual([ends, runs.length], [1, 1]);
  runs.shift()!();
  assert.equal(ends, 2);
});
