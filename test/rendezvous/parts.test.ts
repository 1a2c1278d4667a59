import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { tidy } from "../../src/rendezvous/events.ts";
import { Gather } from "../../src/rendezvous/gather.ts";
import { DEFAULT_LIMITS, nodeLimits } from "../../src/rendezvous/node_limits.ts";
import { Registry, Seat } from "../../src/rendezvous/registry.ts";
import { Shares } from "../../src/rendezvous/shares.ts";
import { TokenBucket } from "../../src/session/token_bucket.ts";
import type { Session } from "../../src/session/session.ts";

const seatOf = (key: Uint8Array) => new Seat(key, {} as Session);

/** Few different keys, many of which begin alike. */
const keys = fc.tuple(fc.nat(2), fc.nat(3)).map(([first, last]) => {
  const key = new Uint8Array(32).fill(first, 0, 6);
  key[31] = last;
  return key;
});

describe("the registry", () => {
  it("finds exactly the seats that were added and not removed, whatever their keys share", () => {
    const commands = fc.array(fc.record({ key: keys, add: fc.boolean() }), { maxLength: 60 });
    fc.assert(fc.property(commands, fc.nat(9), (list, offset) => {
      const registry = new Registry();
      const model = new Map<string, Seat>();
      for (const { key, add } of list) {
        const name = key.join();
        const message = new Uint8Array(60);
        message.set(key, offset);
        assert.equal(registry.find(message, offset), model.get(name));
        if (add && !model.has(name)) {
          const seat = seatOf(key);
          registry.add(seat);
          model.set(name, seat);
        } else if (!add) {
          assert.equal(registry.remove(model.get(name) ?? seatOf(key)), model.delete(name));
        }
        assert.equal(registry.size, model.size);
        assert.deepEqual(new Set(registry), new Set(model.values()));
      }
    }));
  });
});

describe("a gathered message", () => {
  for (const copies of [false, true]) {
    it(`holds for each destination its frames in order, and a lone run is not copied, over sockets that ${copies ? "copy" : "keep"}`, () =>
      holdsInOrder(copies));
  }

  function holdsInOrder(copies: boolean): void {
    const frames = fc.array(
      fc.record({ to: fc.nat(4), size: fc.integer({ min: 1, max: 250 }), skip: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 256,
      },
    );
    const gather = new Gather();
    const seats = Array.from({ length: 5 }, (_, i) => seatOf(new Uint8Array(32).fill(i)));
    fc.assert(
      fc.property(frames, (list) => {
        const message = new Uint8Array(list.reduce((sum, { size }) => sum + size, 0)).map((_, i) =>
          i * 7 + (i >> 8)
        );
        const expected = new Map<Seat, number[]>();
        const counts = new Map<Seat, number>();
        let start = 0;
        for (const { to, size, skip } of list) {
          const seat = seats[to]!;
          if (!skip) {
            gather.add(seat, start, start + size);
            expected.set(seat, [...expected.get(seat) ?? [], ...message.subarray(start, start + size)]);
            counts.set(seat, (counts.get(seat) ?? 0) + 1);
          }
          start += size;
        }
        assert.equal(gather.count, expected.size);
        for (let slot = 0; slot < gather.count; slot++) {
          const seat = gather.destination(slot);
          const batch = gather.batch(slot, message, copies);
          assert.deepEqual([...batch], expected.get(seat));
          assert.equal(gather.size(slot), batch.length);
          assert.equal(gather.frames(slot), counts.get(seat));
          if (list.every(({ to, skip }) => to === list[0]!.to && !skip)) {
            assert.equal(batch.buffer, message.buffer);
          }
        }
        gather.clear();
      }),
      { numRuns: 150 },
    );
  }
});

describe("the shares of a queue", () => {
  /** A model queue: first in, first out, bytes by source. */
  const steps = fc.array(
    fc.oneof(
      fc.record({ source: fc.nat(3), size: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ leave: fc.nat(900) }),
    ),
    { maxLength: 80 },
  );

  it("never let one source hold more than half, nor all together more than there is", () => {
    fc.assert(fc.property(steps, (list) => {
      const [limit, shares] = [2000, new Shares<number>()];
      let queue: number[] = [];
      for (const step of list) {
        if ("leave" in step) {
          queue = queue.slice(step.leave);
          shares.settle(queue.length);
          continue;
        }
        const { source, size } = step;
        const held = queue.filter((owner) => owner === source).length;
        const free = limit - queue.length;
        assert.equal(shares.allows(source, size, free), held + size <= free - size);
        if (!shares.allows(source, size, free)) continue;
        shares.add(source, size);
        queue.push(...Array<number>(size).fill(source));
        assert.ok(held + size <= limit / 2 && queue.length <= limit);
      }
    }));
  });

  it("count a queue of too many tiny batches as full, until it shrinks", () => {
    const shares = new Shares<number>();
    let size = 0;
    for (; shares.allows(size % 2, 1, 1e9); size++) shares.add(size % 2, 1);
    assert.equal(size, 4096);
    for (let round = 0; round < 3; round++) {
      shares.settle(1);
      for (size = 1; shares.allows(size % 2, 1, 1e9); size++) shares.add(size % 2, 1);
      assert.ok(size >= 4095);
    }
  });
});

describe("a token bucket", () => {
  it("gives in any stretch of time no more than burst plus rate", () => {
    const takes = fc.array(fc.record({ wait: fc.nat(500), count: fc.integer({ min: 1, max: 8 }) }), {
      maxLength: 60,
    });
    fc.assert(fc.property(takes, (list) => {
      const bucket = new TokenBucket(10, 0);
      let [now, taken] = [0, 0];
      for (const { wait, count } of list) {
        now += wait;
        if (bucket.take(count, 20, 10, now)) taken += count;
        assert.ok(taken <= 10 + now * 20 / 1000 + 1e-6);
      }
    }));
  });
});

describe("limits", () => {
  it("are the defaults with the operator's changes", () => {
    assert.deepEqual(nodeLimits(), DEFAULT_LIMITS);
    assert.equal(nodeLimits({ sessions: 3, queue: undefined }).sessions, 3);
    assert.equal(nodeLimits({ queue: undefined }).queue, DEFAULT_LIMITS.queue);
  });

  it("out of bounds are refused by name", () => {
    assert.throws(() => nodeLimits({ sessions: 0 }), /limits\.sessions/);
    assert.throws(() => nodeLimits({ queue: NaN }), /limits\.queue/);
    assert.throws(() => nodeLimits({ payload: 1e9 }), /limits\.payload/);
    assert.throws(() => nodeLimits({ byteBurst: 5 }), /limits\.byteBurst/);
  });
});

describe("a stranger's text", () => {
  it("holds no control or formatting characters and is bounded", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      const tidied = tidy(text);
      assert.doesNotMatch(tidied, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.ok(tidied.length <= 201);
    }));
    assert.equal(tidy("waymeet/0.1.0 é"), "waymeet/0.1.0 é");
  });
});
