import assert from "node:assert/strict";
import { it } from "node:test";
import { NodeLink, type NodeLinkOwner } from "../../src/rendezvous/node_link.ts";
import type { Session } from "../../src/session/session.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

it("what goes to a neighbour whose socket is behind waits for company all the same", () => {
  const virtual = new VirtualClock();
  const turns: (() => void)[] = [];
  const clock = {
    now: () => virtual.now(),
    wall: () => virtual.wall(),
    after: (delay: number, run: () => void) => virtual.after(delay, run),
    soon: (run: () => void) => void turns.push(run),
  };
  const sent: number[][] = [];
  const session = {
    state: "ready",
    sendBatch: (batch: Uint8Array) => (sent.push([...batch]), 5_000),
  } as unknown as Session;
  const link = new NodeLink({ clock } as unknown as NodeLinkOwner, true);
  link.session = session;
  const endTurn = () => turns.splice(0).forEach((run) => run());
  const post = (byte: number) => link.post(1, 1, (bytes) => void bytes.fill(byte));
  assert.equal(post(1), 0);
  endTurn();
  assert.deepEqual([2, 3].map(post), [5_000, 5_000]);
  endTurn();
  assert.deepEqual(sent, [[1], [2, 3]]);
  link.answering.stop();
});
