import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ByteStream } from "../../src/link/byte_stream.ts";
import { type End, Network, sample, setUp, type Weather, wireBetween } from "./wire_between.ts";

/** One thing that happens, `after` ms behind the thing before. */
type Happening =
  | { after: number; do: "post"; from: "a" | "b"; size: number }
  | { after: number; do: "stream"; from: "a" | "b"; sizes: number[]; piece: number }
  | { after: number; do: "cut" | "mend" };

const side = fc.constantFrom("a" as const, "b" as const);
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 16_383, 16_384, 16_385, 32_768) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
);
const after = fc.constantFrom(0, 0, 1, 5, 40, 300, 1_500);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ after, do: fc.constant("post" as const), from: side, size }) },
  {
    weight: 2,
    arbitrary: fc.record({
      after,
      do: fc.constant("stream" as const),
      from: side,
      sizes: fc.array(size, { maxLength: 4 }),
      piece: fc.integer({ min: 1, max: 70_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ after, do: fc.constantFrom("cut" as const, "mend" as const) }) },
);
const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.constantFrom(0, 0.01, 0.1, 0.35),
  repeat: fc.constantFrom(0, 0.05, 0.3),
  fastest: fc.constantFrom(0, 1, 20, 200),
  slowest: fc.constantFrom(0, 30, 120, 400),
});

/** A stream written to its end, and all that the other side reads of it. */
class Transfer {
  readonly sent: Uint8Array;
  readonly got: number[] = [];
  ended = false;

  constructor(from: End, sizes: number[], piece: number) {
    const stream = from.conversation.openStream("s");
    this.sent = sample(sizes.reduce((sum, size) => sum + size, 0), piece);
    for (let at = 0; at < this.sent.length; at += piece) {
      stream.write.write(this.sent.subarray(at, at + piece));
    }
    stream.write.end();
    from.conversation.touched(stream);
    from.pump();
  }

  read(end: End, stream: ByteStream): void {
    for (let next = stream.read.read(); next !== undefined; next = stream.read.read()) {
      if (next === "end") return this.finish(end, stream);
      for (const byte of next) this.got.push(byte);
      end.conversation.touched(stream);
    }
  }

  private finish(end: End, stream: ByteStream): void {
    if (!this.ended) stream.write.end();
    this.ended = true;
    end.conversation.touched(stream);
  }
}

function play(seed: number, weather: Weather, happenings: Happening[]) {
  const wires = wireBetween(
    new Network(seed, { ...weather, slowest: Math.max(weather.fastest, weather.slowest) }),
  );
  const posted: Record<"a" | "b", Uint8Array[]> = { a: [], b: [] };
  const transfers: Record<"a" | "b", Transfer[]> = { a: [], b: [] };
  const readAll = () => {
    for (const from of ["a", "b"] as const) {
      const reader = wires[from].other;
      reader.streams.forEach((stream, index) => transfers[from][index]!.read(reader, stream));
      reader.pump();
      // The half that this side wrote nothing to ends at once, so that both halves close.
      for (const stream of wires[from].conversation.openStreams) {
        const own = stream.id % 2 === (from === "a" ? 1 : 0);
        if (own && stream.read.read() === "end") wires[from].conversation.touched(stream);
      }
    }
  };
  const pass = (duration: number) => {
    const until = wires.clock.now() + duration;
    while (wires.clock.step(until)) readAll();
  };
  happenings.forEach((each, index) => {
    pass(each.after);
    if (each.do === "post") {
      const data = sample(each.size, index);
      posted[each.from].push(data);
      wires[each.from].post(data);
    } else if (each.do === "stream") {
      transfers[each.from].push(new Transfer(wires[each.from], each.sizes, each.piece));
    } else setUp(each.do === "mend", wires);
  });
  setUp(true, wires);
  wires.network.weather = {
    ...weather,
    loss: Math.min(weather.loss, 0.1),
    slowest: Math.max(weather.fastest, weather.slowest),
  };
  pass(180_000);
  return { ...wires, posted, transfers, pass };
}

describe("a conversation over a bad network", () => {
  it("delivers every message once and in order, every stream byte by byte, and comes to rest", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        weather,
        fc.array(happening, { maxLength: 25 }),
        (seed, weather, happenings) => {
          const { a, b, posted, transfers, pass, clock } = play(seed, weather, happenings);
          for (const [from, to, name] of [[a, b, "a"], [b, a, "b"]] as const) {
            assert.ok(!to.violated && !from.violated);
            assert.equal(to.inbox.length, posted[name].length);
            posted[name].forEach((data, index) => assert.deepEqual(to.inbox[index]!.data, data));
            assert.equal(from.delivered.length, posted[name].length);
            for (const { sent, got, ended } of transfers[name]) {
              assert.ok(ended);
              assert.deepEqual(Uint8Array.from(got), sent);
            }
            assert.equal(from.conversation.openStreams.length, 0);
            assert.ok(from.conversation.settled);
            assert.equal(from.conversation.sender.congestion.inFlight, 0);
            assert.equal(from.conversation.deadline, Infinity);
          }
          const rested = a.wakeups + b.wakeups;
          pass(3_600_000);
          assert.equal(a.wakeups + b.wakeups, rested, "an idle conversation woke up");
          assert.equal(clock.armed, 0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("delivers each message once wherever the path breaks", () => {
    const packets = (cutAt: number) => {
      const wires = wireBetween(new Network(7));
      for (let i = 0; i < 12; i++) wires.a.post(sample(i * 3_000, i));
      for (let i = 0; i < 5; i++) wires.b.post(sample(i, i));
      let steps = 0;
      while (steps < cutAt && wires.clock.step(60_000)) steps++;
      setUp(false, wires);
      wires.clock.run(2_000);
      setUp(true, wires);
      wires.clock.run(60_000);
      assert.deepEqual(
        wires.b.inbox.map(({ data }) => data.length),
        Array.from({ length: 12 }, (_, i) => i * 3_000),
      );
      assert.deepEqual(wires.a.inbox.map(({ data }) => data.length), [0, 1, 2, 3, 4]);
      assert.equal(wires.a.delivered.length, 12);
      assert.ok(wires.a.conversation.settled && wires.b.conversation.settled);
      return steps;
    };
    const all = packets(10_000);
    assert.ok(all > 10);
    for (let cutAt = 0; cutAt < all; cutAt++) packets(cutAt);
  });
});
