import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Departures } from "../../src/rendezvous/departures.ts";
import { MAX_BATCH, MAX_MESSAGE } from "../../src/wire/limits.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

function scene(copies: boolean) {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const sent: Uint8Array[] = [];
  const soon = (run: () => void) => void turns.push(run);
  const now = { now: () => 0, wall: () => 0, after: clock.after.bind(clock), soon };
  // A socket that copies leaves its owner the bytes; one that does not may read them later.
  const sendBatch = (message: Uint8Array) => void sent.push(copies ? message.slice() : message);
  const departures = new Departures(now, () => ({ copies, sendBatch }));
  const add = (size: number, frames: number, byte = 1) =>
    departures.add(size, frames, (bytes) => void bytes.fill(byte));
  const endTurn = () => turns.splice(0).forEach((run) => run());
  return { add, sent, endTurn };
}

for (const copies of [false, true]) {
  describe(`what goes to a neighbour, over a socket that ${copies ? "copies" : "keeps what it is given"}`, () => {
    it("leaves in one message at the end of the turn, in its order", () => {
      const { add, sent, endTurn } = scene(copies);
      for (const byte of [1, 2, 3]) add(1, 1, byte);
      assert.deepEqual(sent, []);
      endTurn();
      add(1, 1, 4);
      endTurn();
      assert.deepEqual(sent.map((message) => [...message]), [[1, 2, 3], [4]]);
    });

    it("never has more frames than a message may have, and does not wait once it is large", () => {
      const { add, sent, endTurn } = scene(copies);
      for (let i = 0; i <= MAX_BATCH; i++) add(1, 1);
      assert.deepEqual(sent.map(({ length }) => length), [MAX_BATCH]);
      add(70_000, 1);
      assert.deepEqual(sent.map(({ length }) => length), [MAX_BATCH, 70_001]);
      endTurn();
      assert.equal(sent.length, 2);
    });

    it("never is larger than a message may be", () => {
      const { add, sent } = scene(copies);
      add(1_000, 1, 1);
      add(MAX_MESSAGE, 8, 2);
      assert.deepEqual(sent.map(({ length }) => length), [1_000, MAX_MESSAGE]);
      assert.ok(sent[0]!.every((byte) => byte === 1) && sent[1]!.every((byte) => byte === 2));
    });
  });
}

describe("what goes to a neighbour", () => {
  it("leaves at once where a clock knows no end of a turn", () => {
    const sent: Uint8Array[] = [];
    const sendBatch = (message: Uint8Array) => void sent.push(message);
    const departures = new Departures(new VirtualClock(), () => ({ copies: false, sendBatch }));
    departures.add(1, 1, (bytes) => void bytes.fill(1));
    assert.equal(sent.length, 1);
  });

  it("is gathered in bytes that grow with it", () => {
    const { add, sent, endTurn } = scene(true);
    add(60_000, 1, 1);
    add(200_000, 1, 2);
    add(3, 1, 3);
    endTurn();
    assert.deepEqual(sent.map(({ length }) => length), [260_000, 3]);
    assert.deepEqual([sent[0]![59_999], sent[0]![60_000], sent[0]![259_999], sent[1]![2]], [1, 2, 2, 3]);
  });
});
