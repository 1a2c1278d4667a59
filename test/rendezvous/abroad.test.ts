import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type PeerId, peerIdText } from "../../src/identity/peer_id.ts";
import type { Place } from "../../src/mesh/presence_types.ts";
import { Abroad, type Foreigner } from "../../src/rendezvous/abroad.ts";
import type { NodeLink } from "../../src/rendezvous/node_link.ts";
import { Seat } from "../../src/rendezvous/registry.ts";
import type { Session } from "../../src/session/session.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { type Control, Reason } from "../../src/wire/protocol.ts";

const key = (number: number) => new Uint8Array(32).fill(number);
const [ONE, OTHER] = ["one", "other"] as PeerId[] as [PeerId, PeerId];

function scene() {
  const place = {} as Place;
  const abroad = new Abroad({ find: () => place, watch: () => place, unwatch() {} }, () => 8);
  const seat = (number: number) => {
    const told: Control[] = [];
    const send = (frame: Uint8Array) => told.push(decodeControl(frame)!);
    return { seat: new Seat(key(number), { send } as unknown as Session), told };
  };
  /** A peer elsewhere to which the latest frame left by that neighbour. */
  const foreigner = (number: number, neighbour: PeerId): Foreigner => {
    const each = abroad.find(key(number), 0)!;
    each.turn = 7;
    each.way = { link: { remote: neighbour } as NodeLink, hops: 1 };
    return each;
  };
  return { abroad, seat, foreigner };
}

describe("a doubt about a neighbour", () => {
  it("is told to whoever sends through it, once for each peer it sends to, and to nobody else", () => {
    const { abroad, seat, foreigner } = scene();
    const [a, b, c] = [seat(1), seat(2), seat(3)] as const;
    for (
      const [number, neighbour, listeners] of [[10, ONE, [a, b]], [11, ONE, [a]], [12, OTHER, [c]]] as const
    ) {
      const each = foreigner(number, neighbour);
      for (const { seat } of listeners) abroad.listen(each, seat);
    }
    assert.equal(abroad.doubt(ONE), 3);
    const notice = (number: number) => ({ kind: "notice", reason: Reason.inDoubt, peer: key(number) });
    assert.deepEqual(a.told, [notice(10), notice(11)]);
    assert.deepEqual([b.told, c.told], [[notice(10)], []]);
  });

  it("is told once, and the way is found anew for the next frame", () => {
    const { abroad, seat, foreigner } = scene();
    const { seat: listener, told } = seat(1);
    const each = foreigner(10, ONE);
    abroad.listen(each, listener);
    abroad.doubt(ONE);
    assert.deepEqual([abroad.doubt(ONE), told.length, each.way, each.turn], [0, 1, undefined, -1]);
  });

  it("forgets nobody: who listens learns of the departure, too", () => {
    const { abroad, seat, foreigner } = scene();
    const { seat: listener, told } = seat(1);
    abroad.listen(foreigner(10, ONE), listener);
    abroad.doubt(ONE);
    assert.equal(abroad.left(peerIdText(key(10))), 1);
    assert.deepEqual(told.map((frame) => frame.kind === "notice" && frame.reason), [
      Reason.inDoubt,
      Reason.gone,
    ]);
  });

  it("is not told to a peer that left", () => {
    const { abroad, seat, foreigner } = scene();
    const { seat: listener, told } = seat(1);
    abroad.listen(foreigner(10, ONE), listener);
    listener.live = false;
    assert.deepEqual([abroad.doubt(ONE), told.length], [0, 0]);
  });
});

describe("a peer elsewhere", () => {
  it("keeps its key when the message that named it is overwritten, also where that is a Buffer", () => {
    const { abroad } = scene();
    for (const message of [key(5), Buffer.from(key(6))]) {
      const known = message[0]!;
      const found = abroad.find(message, 0)!;
      message.fill(9); // a relay writes the source over the destination
      assert.deepEqual(found.key, key(known));
      assert.equal(abroad.find(key(known), 0), found);
    }
  });
});
