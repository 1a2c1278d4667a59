import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Departures } from "../../src/rendezvous/departures.ts";
import { MAX_BATCH } from "../../src/wire/limits.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

function scene() {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const sent: number[][] = [];
  const soon = (run: () => void) => void turns.push(run);
  const now = { now: () => 0, wall: () => 0, after: clock.after.bind(clock), soon };
  const departures = new Departures(now, (message) => void sent.push([...message]));
  const endTurn = () => turns.splice(0).forEach((run) => run());
  return { departures, sent, endTurn };
}

describe("what goes to a neighbour", () => {
  it("leaves in one message at the end of the turn, in its order", () => {
    const { departures, sent, endTurn } = scene();
    for (const byte of [1, 2, 3]) departures.add(Uint8Array.of(byte), 1);
    assert.deepEqual(sent, []);
    endTurn();
    assert.deepEqual(sent, [[1, 2, 3]]);
    departures.add(Uint8Array.of(4), 1);
    endTurn();
    assert.deepEqual(sent, [[1, 2, 3], [4]]);
  });

  it("never has more frames than a message may have, and does not wait once it is large", () => {
    const { departures, sent, endTurn } = scene();
    for (let i = 0; i <= MAX_BATCH; i++) departures.add(Uint8Array.of(1), 1);
    assert.deepEqual(sent.map(({ length }) => length), [MAX_BATCH]);
    departures.add(new Uint8Array(20_000), 1);
    assert.deepEqual(sent.map(({ length }) => length), [MAX_BATCH, 20_001]);
    endTurn();
    assert.equal(sent.length, 2);
  });

  it("leaves at once where a clock knows no end of a turn", () => {
    const sent: Uint8Array[] = [];
    const departures = new Departures(new VirtualClock(), (message) => void sent.push(message));
    departures.add(Uint8Array.of(1), 1);
    assert.equal(sent.length, 1);
  });
});
