import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Congestion, RoundTrip } from "../../src/link/congestion.ts";
import { decodeFrames, type Numbered } from "../../src/link/frames.ts";
import {
  ACK_BYTES,
  ACK_DELAY,
  MAX_AHEAD,
  PROBE_MIN,
  WINDOW_MIN,
  WINDOW_START,
} from "../../src/link/limits.ts";
import { Receiver } from "../../src/link/receiver.ts";
import { Sender } from "../../src/link/sender.ts";
import { Track } from "../../src/link/track.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";

/** A sender with `count` frames of `size` bytes to send. */
function sending(count: number, size: number = 1_000) {
  const arrived: number[] = [];
  let made = 0;
  const sender = new Sender({
    next: () => {
      if (made === count) return undefined;
      const index = ++made;
      return {
        frame: { kind: "more", bytes: new Uint8Array(size) },
        arrived: () => void arrived.push(index),
      };
    },
  });
  /** Numbers in the next packet of at most `room` bytes. */
  const packet = (now: number, room: number = size): number[] => {
    const parts: Uint8Array[] = [];
    if (sender.ready) sender.transmit(parts, room, now);
    return decodeFrames(joinBytes(parts))!.map((frame) => (frame as Numbered).seq);
  };
  return { sender, packet, arrived };
}

describe("a sender", () => {
  it("rule 10: sends again what left three packets before something that arrived, and only that", () => {
    const { sender, packet } = sending(5);
    for (let now = 1; now <= 5; now++) assert.deepEqual(packet(now), [now]);
    sender.acknowledge(1, [3, 4], 8);
    assert.deepEqual(packet(8), []);
    sender.acknowledge(1, [3, 5], 8);
    assert.deepEqual(packet(8), [1]);
    assert.deepEqual(packet(8), []);
  });

  it("rule 10: sends again what left well over a round trip before something that arrived", () => {
    const { sender, packet } = sending(2);
    packet(0);
    packet(1_000);
    sender.acknowledge(1, [2, 3], 1_100);
    assert.deepEqual(packet(1_100), [1]);
  });

  it("rule 11: has no more under way than the window, and goes on as it empties", () => {
    const { sender, packet, arrived } = sending(1_000, 16_000);
    let last = 0;
    for (let sent = packet(0); sent.length > 0; sent = packet(0)) last = sent.at(-1)!;
    assert.equal(last, Math.ceil(WINDOW_START / (16_000 + 7)));
    sender.acknowledge(last + 1, [], 50);
    assert.equal(arrived.length, last);
    assert.equal(sender.congestion.inFlight, 0);
    assert.ok(packet(50).length > 0);
  });

  it("rule 13: asks again after max(3 round trips, 300 ms) without an acknowledgement", () => {
    const { sender, packet } = sending(3);
    packet(0);
    sender.acknowledge(2, [], 20);
    packet(100);
    assert.equal(sender.deadline, 20 + PROBE_MIN); // a steady flow does not put it off
    sender.expire(20 + PROBE_MIN - 1);
    assert.equal(sender.unanswered, 0);
    sender.expire(20 + PROBE_MIN);
    assert.deepEqual(packet(400), [2]);
    assert.ok(sender.deadline > 400 + PROBE_MIN, "waits longer each time");
  });

  it("a probe leaves although the window is full", () => {
    const { sender, packet } = sending(1_000, 16_000);
    while (packet(0).length > 0);
    sender.expire(sender.deadline);
    assert.deepEqual(packet(2_000), [1]);
  });

  it("after two probes in vain everything under way counts as lost, and the window is small", () => {
    const { sender, packet } = sending(10);
    for (let i = 0; i < 10; i++) packet(0);
    sender.expire(sender.deadline);
    assert.equal(packet(2_000, 100_000).length, 10);
    sender.expire(sender.deadline);
    assert.equal(sender.congestion.window, WINDOW_MIN);
    assert.equal(packet(9_000, 100_000).length, 10);
  });

  it("does not fall for an acknowledgement of what it never sent", () => {
    const { sender, packet, arrived } = sending(5);
    packet(0);
    packet(0);
    assert.equal(sender.acknowledge(4, [], 1), false);
    assert.equal(sender.acknowledge(1, [2, 4], 1), false);
    assert.equal(sender.acknowledge(3, [], 1), true);
    assert.deepEqual(arrived, [1, 2]);
  });

  it("does not take a frame for sent that found no room in its packet", () => {
    const { sender, packet } = sending(5);
    const parts: Uint8Array[] = [];
    sender.transmit(parts, 1_500, 0);
    assert.equal(parts.length, 1);
    assert.equal(sender.acknowledge(3, [], 1), false);
    assert.deepEqual(packet(2), [2]);
  });

  it("old, repeated and overtaken acknowledgements change nothing", () => {
    const { sender, packet, arrived } = sending(5);
    for (let i = 0; i < 5; i++) packet(0);
    sender.acknowledge(5, [], 10);
    for (const [next, ranges] of [[5, []], [2, []], [1, [2, 4]], [3, [4, 5]]] as [number, number[]][]) {
      assert.ok(sender.acknowledge(next, ranges, 20));
    }
    assert.deepEqual(arrived, [1, 2, 3, 4]);
    assert.equal(sender.roundTrip.smoothed, 10);
  });

  it("tells the owner only once everything before has arrived, too", () => {
    const { sender, packet, arrived } = sending(3);
    for (let i = 0; i < 3; i++) packet(0);
    sender.acknowledge(1, [2, 4], 5);
    assert.deepEqual(arrived, []);
    sender.acknowledge(4, [], 6);
    assert.deepEqual(arrived, [1, 2, 3]);
    assert.equal(sender.outstanding, false);
    assert.equal(sender.deadline, Infinity);
  });

  it("sends everything again after the path broke, in order", () => {
    const { sender, packet } = sending(6);
    for (let i = 0; i < 6; i++) packet(0);
    sender.acknowledge(2, [4, 5], 10);
    sender.resend();
    assert.equal(sender.congestion.inFlight, 0);
    assert.deepEqual(packet(500, 100_000), [2, 3, 5, 6]);
  });

  it("never has less than nothing in flight, whatever is acknowledged in whatever order", () => {
    const act = fc.oneof(
      fc.constant("send"),
      fc.constant("expire"),
      fc.constant("resend"),
      fc.tuple(fc.nat(40), fc.nat(8), fc.nat(8)),
    );
    fc.assert(fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const { sender, packet } = sending(40);
      let now = 0;
      for (const each of acts) {
        now += 30;
        if (each === "send") packet(now);
        else if (each === "expire") sender.expire(Math.min(now += 5_000, sender.deadline));
        else if (each === "resend") sender.resend();
        else {
          const [next, gap, length] = each as [number, number, number];
          sender.acknowledge(next, length > 0 ? [next + gap + 1, next + gap + 1 + length] : [], now);
        }
        assert.ok(sender.congestion.inFlight >= 0);
      }
      for (let round = 0; round < 200 && (sender.outstanding || sender.ready); round++) {
        now += 1_000;
        sender.expire(now);
        const seqs = packet(now, 100_000);
        if (seqs.length > 0) {
          sender.acknowledge(0, [seqs[0]!, seqs.at(-1)! + 1], now + 5) ||
            sender.acknowledge(seqs[0]!, [], now);
        }
      }
      assert.ok(sender.congestion.inFlight >= 0);
    }));
  });
});

describe("round trip and window", () => {
  it("the wait is three round trips, at least 300 ms, and doubles up to 4 s", () => {
    const roundTrip = new RoundTrip();
    for (let i = 0; i < 50; i++) roundTrip.sample(20);
    assert.equal(roundTrip.patience(0), 300);
    for (let i = 0; i < 80; i++) roundTrip.sample(200);
    assert.ok(Math.abs(roundTrip.patience(0) - 600) < 10);
    assert.equal(roundTrip.patience(9), 4_000);
  });

  it("one event of loss halves once; a window that is not used does not grow", () => {
    const congestion = new Congestion();
    congestion.lost(5, 20);
    congestion.lost(6, 21);
    assert.equal(congestion.window, WINDOW_START / 2);
    congestion.lost(20, 30);
    assert.equal(congestion.window, WINDOW_START / 4);
    congestion.sent(100);
    congestion.acknowledged(100, 40);
    assert.equal(congestion.window, WINDOW_START / 4);
    for (let packet = 31; packet < 60; packet++) congestion.lost(packet, packet + 1);
    assert.equal(congestion.window, WINDOW_MIN);
  });
});

const more = (seq: number): Numbered => ({ kind: "more", seq, bytes: Uint8Array.of(seq & 255) });

describe("a receiver", () => {
  it("hands numbered frames over once and in order, in whatever order they come", () => {
    const order = fc.shuffledSubarray(Array.from({ length: 30 }, (_, i) => i + 1), { minLength: 30 });
    fc.assert(fc.property(order, fc.array(fc.integer({ min: 1, max: 30 })), (seqs, again) => {
      const receiver = new Receiver();
      const got = [...seqs, ...again].flatMap((seq) => receiver.accept(more(seq), 1, 0)).map(({ seq }) =>
        seq
      );
      assert.deepEqual(got, Array.from({ length: 30 }, (_, i) => i + 1));
    }));
  });

  it("tells what has arrived beyond a gap", () => {
    const receiver = new Receiver();
    for (const seq of [1, 3, 4, 7]) receiver.accept(more(seq), 1, 0);
    assert.deepEqual(decodeFrames(receiver.acknowledgement(0)!), [{
      kind: "ack",
      next: 2,
      ranges: [3, 5, 7, 8],
    }]);
    assert.equal(receiver.acknowledgement(1_000), undefined);
  });

  it("acknowledges the first frame and a gap at once, a flow every few milliseconds or bytes", () => {
    const receiver = new Receiver();
    receiver.accept(more(1), 100, 50);
    assert.equal(receiver.deadline, 50);
    receiver.acknowledgement(50);
    receiver.accept(more(2), 100, 51);
    assert.equal(receiver.deadline, 50 + ACK_DELAY);
    receiver.accept(more(3), ACK_BYTES, 52);
    assert.equal(receiver.deadline, 52);
    receiver.acknowledgement(52);
    receiver.accept(more(5), 1, 53);
    assert.equal(receiver.deadline, 53);
    receiver.acknowledgement(53);
    receiver.accept(more(1), 1, 54);
    assert.equal(receiver.deadline, 54);
  });

  it("keeps no more behind a gap than it may, and does not claim the rest", () => {
    const receiver = new Receiver();
    for (let seq = 2; seq < MAX_AHEAD + 10; seq++) receiver.accept(more(seq), 1, 0);
    assert.deepEqual(decodeFrames(receiver.acknowledgement(0)!), [{
      kind: "ack",
      next: 1,
      ranges: [2, MAX_AHEAD + 2],
    }]);
    assert.equal(receiver.accept(more(1), 1, 0).length, MAX_AHEAD + 1);
  });
});

describe("a sender of two paths", () => {
  const size = 16_000;
  /** Sends what it may at `now`; how many bytes. */
  const send = ({ sender }: ReturnType<typeof sending>, now: number): number => {
    let sent = 0;
    while (sender.ready) {
      const bytes = sender.transmit([], 66_560, now);
      if (bytes === 0) break;
      sent += bytes;
    }
    return sent;
  };

  it("knows a path alive by an answer that it brought, and by another path's only as of when that left", () => {
    const [direct, relay] = [new Track(), new Track()];
    const { sender, packet } = sending(3, 1_000);
    sender.moveTo(direct, 0, false);
    packet(10);
    packet(20);
    packet(30);
    sender.acknowledge(2, [], 60, direct);
    assert.equal(direct.progressAt, 60);
    sender.acknowledge(4, [], 500, relay);
    assert.equal(direct.progressAt, 60, "it was alive at 30, and at 60: more nobody knows");
    assert.equal(relay.progressAt, -Infinity);
  });

  it("begins anew with little where it takes over at once, and has its former window after as many answers", () => {
    const [direct, relay] = [new Track(), new Track()];
    const all = sending(1_000, size);
    const { sender } = all;
    sender.moveTo(direct, 0, false);
    assert.ok(send(all, 0) >= WINDOW_START, "a path that is chosen begins as any");
    sender.moveTo(relay, 500, true);
    const first = send(all, 500);
    assert.ok(first >= WINDOW_MIN && first < WINDOW_MIN + 2 * size, `${first} bytes at once`);
    let [next, now] = [1, 500];
    for (let sent = first; relay.congestion.window < WINDOW_START; sent = send(all, now)) {
      assert.ok(sent > 0, "what is acknowledged makes room");
      for (let acknowledged = 0; acknowledged < sent; acknowledged += 2 * size) {
        sender.acknowledge(next += 2, [], now += 10, relay);
      }
      assert.ok(now < 1_000, `a window of ${relay.congestion.window} still`);
    }
  });
});
