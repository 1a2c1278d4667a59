import assert from "node:assert/strict";
import { it } from "node:test";
import { acquaint, tellGone, watch } from "../../src/rendezvous/correspondents.ts";
import { Seat } from "../../src/rendezvous/registry.ts";
import type { Session } from "../../src/session/session.ts";

function seat(): { seat: Seat; told: () => number } {
  let told = 0;
  const session = { send: () => ++told } as unknown as Session;
  return { seat: new Seat(crypto.getRandomValues(new Uint8Array(32)), session), told: () => told };
}

it("who looks a peer up and leaves is not held by it, however long it stays", () => {
  const { seat: popular } = seat();
  for (let i = 0; i < 1_000; i++) {
    const { seat: asker } = seat();
    watch(popular, asker, 64);
    asker.live = false;
    tellGone(asker);
  }
  assert.equal(popular.correspondents?.size, 1);
});

it("those who are here are told of a departure, and keep their place when others left", () => {
  const [gone, friend, guest] = [seat(), seat(), seat()];
  acquaint(gone.seat, friend.seat, 2);
  for (let i = 0; i < 10; i++) {
    const { seat: passing } = seat();
    watch(gone.seat, passing, 2);
    passing.live = false;
  }
  watch(gone.seat, guest.seat, 2);
  gone.seat.live = false;
  assert.equal(tellGone(gone.seat), 2);
  assert.deepEqual([friend.told(), guest.told()], [1, 1]);
  assert.equal(friend.seat.correspondents?.size, 0);
});
