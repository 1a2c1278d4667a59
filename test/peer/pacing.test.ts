import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Pace } from "../../src/peer/pacing.ts";
import type { RateChange } from "../../src/peer/peer_events.ts";
import { nodeLimits } from "../../src/rendezvous/node_limits.ts";
import { Throttle } from "../../src/rendezvous/throttle.ts";
import type { Rate } from "../../src/wire/protocol.ts";
import { VirtualWorld } from "./virtual_world.ts";

const rate = (change: Partial<Rate>): Rate => ({
  kind: "rate",
  framesPerSecond: 0,
  frameBurst: 0,
  bytesPerSecond: 0,
  byteBurst: 0,
  pause: 0,
  ...change,
});

describe("a pace", () => {
  it("kept to by a sender is never above what the node allows, on a way that delays", () => {
    const frames = fc.array(fc.record({ size: fc.integer({ min: 60, max: 18_000 }), idle: fc.nat(200) }), {
      minLength: 1,
      maxLength: 200,
    });
    const bounds = fc.record({
      framesPerSecond: fc.integer({ min: 20, max: 5_000 }),
      bytesPerSecond: fc.integer({ min: 20_000, max: 5_000_000 }),
      delay: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(fc.property(frames, bounds, (list, { framesPerSecond, bytesPerSecond, delay }) => {
      const limits = nodeLimits({ framesPerSecond, frameBurst: 256, bytesPerSecond, byteBurst: 1_048_576 });
      const pace = new Pace(
        rate({ framesPerSecond, frameBurst: 256, bytesPerSecond, byteBurst: 1_048_576 }),
        0,
      );
      const throttle = new Throttle(limits, 0);
      let now = 0;
      for (const { size, idle } of list) {
        now += idle;
        now += pace.wait(now) + 1e-6;
        pace.sent(size);
        assert.equal(throttle.take(1, size + 64, limits, now + delay), 0);
      }
    }));
  });

  it("waits out the pause that a node asks for, and is not filled by a new rate", () => {
    const paused = new Pace(rate({ framesPerSecond: 100, frameBurst: 1_000, pause: 500 }), 0);
    assert.ok(paused.wait(0) >= 500 && paused.wait(0) < 520);
    const raised = new Pace(rate({ framesPerSecond: 1_000, frameBurst: 1_000 }), 0, paused);
    assert.ok(raised.wait(0) > 0 && raised.wait(0) < 60);
    assert.equal(new Pace(rate({}), 0, paused).wait(0), 0);
  });
});

describe("a peer whose node bounds it", () => {
  it("sends more slowly, and loses nothing", async () => {
    const world = new VirtualWorld();
    await world.start("ws://127.0.0.1", {
      limits: { bytesPerSecond: 100_000, byteBurst: 1_048_576, framesPerSecond: 200, frameBurst: 256 },
    });
    const [alice, bob] = [await world.open(), await world.open()];
    const got: string[] = [];
    bob.addEventListener("link", async ({ link }) => {
      for await (const message of link) got.push(message.text().slice(0, 3));
    });
    const link = await world.run(alice.dial(bob.id));
    const began = world.clock.now();
    const sent = Array.from(
      { length: 80 },
      (_, i) => link.send(String(i).padStart(3, "0").padEnd(20_000, ".")),
    );
    await world.run(Promise.all(sent), 60_000, 5);
    assert.deepEqual(got, Array.from({ length: 80 }, (_, i) => String(i).padStart(3, "0")));
    // 1.6 MB: half a burst at once, the rest at 95 % of the rate.
    assert.ok(world.clock.now() - began > 8_000, String(world.clock.now() - began));
    assert.doesNotMatch(world.node().metricsText(), /frames_dropped_total\{/);
    assert.match(world.node().metricsText(), /waymeet_throttled_total 0\n/);
    await world.run(Promise.all([alice.close(), bob.close()]));
  });

  it("is told of a change while it is connected, and goes on faster at once", async () => {
    const world = new VirtualWorld();
    await world.start("ws://127.0.0.1", { limits: { bytesPerSecond: 1_000, byteBurst: 1_048_576 } });
    const [alice, bob] = [await world.open(), await world.open()];
    const told: RateChange[] = [];
    alice.addEventListener("rate", (change) => void told.push(change));
    bob.addEventListener("link", async ({ link }) => {
      for await (const message of link) message.ack();
    });
    const link = await world.run(alice.dial(bob.id));
    const sent = link.send(new Uint8Array(1_500_000)); // at 1 kB/s: a quarter of an hour
    await world.pass(2_000, 5);
    world.node().controls.setLimits({ bytesPerSecond: Infinity });
    await world.run(sent, 3_000, 5);
    assert.deepEqual(told.map(({ bytesPerSecond, throttled }) => [bytesPerSecond, throttled]), [[
      Infinity,
      false,
    ]]);
    assert.equal(told[0]!.url, "ws://127.0.0.1");
    await world.run(Promise.all([alice.close(), bob.close()]));
  });
});
