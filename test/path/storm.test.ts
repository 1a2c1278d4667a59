/** Issue 4, item 9: what the application may rely on, whatever direct paths do beneath it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Link } from "../../src/link/link.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import { CLEAR, VirtualDirect } from "./virtual_direct.ts";
import { seeded } from "../dice.ts";

async function meet(weather = CLEAR) {
  const world = new VirtualWorld();
  await world.start();
  const direct = world.direct = new VirtualDirect(world.clock, weather, seeded(7));
  const [a, b] = [await world.open(), await world.open()];
  const arriving = nextLink(b);
  const ab = await world.run(a.dial(b.id));
  const ba = await world.run(arriving);
  return { world, direct, a, b, ab, ba };
}

/** Sends a message every so often; returns the longest wait for a delivery. */
async function talk(world: VirtualWorld, link: Link, count: number, every: number): Promise<number> {
  const waits: Promise<number>[] = [];
  for (let i = 0; i < count; i++) {
    const began = world.clock.now();
    waits.push(link.send(`${i}`).then(() => world.clock.now() - began));
    await new Promise<void>((resolve) => void world.clock.after(every, resolve));
  }
  return Math.max(...await Promise.all(waits));
}

/** Lets much time pass: what takes real time, a signature, gets some of it every half second. */
async function leap(world: VirtualWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    await world.clock.advance(500);
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

/** A stream of 1 MB/s until `until`; returns a look at the longest time so far in which nothing of it arrived. */
async function flow(world: VirtualWorld, from: Link, to: Link, until: number): Promise<() => number> {
  let [last, longest] = [world.clock.now(), 0];
  const look = (): number => {
    longest = Math.max(longest, world.clock.now() - last);
    last = world.clock.now();
    return longest;
  };
  const writer = from.openStream().writable.getWriter();
  const write = (): void => {
    if (world.clock.now() > until) return;
    if (writer.desiredSize! > 0) void writer.write(new Uint8Array(16_000));
    world.clock.after(16, write);
  };
  write();
  const { value } = await world.run(to.streams[Symbol.asyncIterator]().next());
  const reader = value!.readable.getReader();
  void (async () => {
    while (!(await reader.read()).done) look();
  })().catch(() => {}); // the link ends with it under way
  return look;
}

describe("whatever a direct path does", () => {
  it("a stream goes on within 700 ms of a cut, whenever it comes and whatever is under way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(300),
        fc.constantFrom(2, 20, 45),
        fc.nat(30),
        async (before, delay, between) => {
          const { world, direct, ab, ba } = await meet({ ...CLEAR, fastest: delay, slowest: delay + 2 });
          await leap(world, 1_000);
          assert.equal(ab.path.kind, "direct");
          const look = await flow(world, ab, ba, world.clock.now() + 2_500);
          await world.pass(500 + before);
          direct.line!.swallows = [true, false]; // answers die before what they answer
          await world.pass(between);
          direct.line!.swallowing = true;
          await world.pass(1_500);
          assert.ok(look() <= 700, `nothing for ${look()} ms`);
          await world.end();
        },
      ),
      { numRuns: 6 },
    );
  });

  it("messages flow from the first round trip while an attempt hangs, and the reason tells of its end", async () => {
    const { world, direct, ab, ba } = await meet();
    direct.outcome = "no-candidate-pair";
    direct.takes = 5_000;
    const heard = collect(ba);
    assert.ok(await world.run(talk(world, ab, 10, 20)) < 200);
    await leap(world, 12_000);
    assert.deepEqual(heard, numbers(10));
    assert.match(
      ab.path.why,
      /^relay: attempt \d+ ended no-candidate-pair; next try in \d+ s \(relay through/,
    );
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  it("a blackhole in one direction alone is noticed by both, and both come back when it is gone", async () => {
    const { world, direct, ab, ba } = await meet();
    const heard = collect(ba);
    await world.pass(1_000);
    for (const side of [0, 1] as const) {
      direct.line!.swallows[side] = true;
      assert.ok(await world.run(talk(world, ab, 30, 50)) < 1_000);
      assert.deepEqual([ab.path.kind, ba.path.kind], ["relay", "relay"]);
      direct.line!.swallows[side] = false;
      await leap(world, 10_000);
      assert.deepEqual([ab.path.kind, ba.path.kind], ["direct", "direct"]);
    }
    assert.deepEqual(heard, [...numbers(30), ...numbers(30)]);
    await world.end();
  });

  it("a lonely message whose every try is lost arrives by the relay beneath at the first doubt", async () => {
    const { world, direct, ab, ba } = await meet();
    const heard = collect(ba);
    await leap(world, 5_000);
    const line = direct.line!;
    line.swallowing = true;
    const sent = world.run(ab.send("lonely"));
    for (const [at, swallowing] of [[20, false], [290, true], [330, false]] as const) {
      world.clock.after(at, () => line.swallowing = swallowing);
    }
    const began = world.clock.now();
    await sent;
    assert.ok(world.clock.now() - began < 340, `it took ${world.clock.now() - began} ms`);
    assert.deepEqual([heard, ab.path.kind], [["lonely"], "direct"]);
    await world.end();
  });

  it("a mapping that expires while the link is idle is kept alive; one that expires all the same loses nothing", async () => {
    const { world, direct, ab, ba } = await meet({ ...CLEAR, expires: 15_000 });
    const heard = collect(ba);
    await leap(world, 60_000);
    assert.equal(ab.path.kind, "direct");
    direct.line!.swallowing = true;
    await world.pass(1);
    assert.ok(await world.run(talk(world, ab, 20, 100)) < 1_000);
    assert.deepEqual(heard, numbers(20));
    await leap(world, 60_000);
    assert.equal(ab.path.kind, "direct", "another line was made");
    assert.ok(direct.lines.length > 1);
    await world.end();
  });

  it("the link goes on over the direct path when every node is gone, and over a node when that is", async () => {
    const { world, direct, ab, ba } = await meet();
    const heard = collect(ba);
    await world.pass(1_000);
    world.kill();
    assert.ok(await world.run(talk(world, ab, 20, 100)) < 100);
    assert.ok(ab.connected && ba.connected);
    world.restart();
    // Peers come back when their backoff lets them: after two seconds without a node that may take some more.
    for (let s = 0; world.node().sessions < 2 && s < 60; s++) await world.pass(1_000);
    direct.line!.break();
    assert.ok(await world.run(talk(world, ab, 5, 100)) < 1_000);
    assert.deepEqual(heard, [...numbers(20), ...numbers(5)]);
    await world.end();
  });

  it("keys are renewed over a direct path without a node", async () => {
    const { world, direct, ab, ba } = await meet();
    const heard = collect(ba);
    await world.pass(1_000);
    world.kill();
    await leap(world, 250_000);
    assert.ok(direct.line!.kinds[1]! > 0 && direct.line!.kinds[2]! > 0, "a handshake over the line");
    assert.ok(await world.run(talk(world, ab, 3, 10)) < 100);
    assert.deepEqual(heard, numbers(3));
    await world.end();
  });

  it("a path that loses and is slow is left for the relay, and the reason says so", async () => {
    const { world, ab, ba } = await meet({ ...CLEAR, loss: 0.03, fastest: 20, slowest: 20, rate: 300 });
    const heard = collect(ba);
    await world.pass(500);
    const told: string[] = [];
    ab.addEventListener("path", ({ path }) => told.push(path.why));
    const sent = Array.from({ length: 60 }, () => ab.send("x".repeat(50_000)));
    await world.run(Promise.all(sent));
    assert.equal(heard.length, 60);
    assert.match(told.join("\n"), /relay: direct (lost [\d.]+ %|carried 0\.\d MB\/s)/);
    await world.end();
  });

  it("nothing is lost, doubled or reordered, and no delivery waits 1.5 s, by any schedule of faults", async () => {
    const fault = fc.record({
      after: fc.integer({ min: 0, max: 900 }),
      what: fc.constantFrom("swallow", "half", "clear", "break", "lossy", "fresh"),
    });
    const schedule = fc.array(fault, { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(schedule, async (faults) => {
        const { world, direct, ab, ba } = await meet();
        const heard = [collect(ba), collect(ab)];
        const talking = [talk(world, ab, 60, 40), talk(world, ba, 60, 70)];
        for (const { after, what } of faults) {
          await world.pass(after);
          const { line } = direct;
          if (!line) continue;
          if (what === "swallow") line.swallowing = true;
          else if (what === "half") line.swallows = [true, false];
          else if (what === "break") line.break();
          else if (what === "lossy") line.weather = { ...CLEAR, loss: 0.2, slowest: 30 };
          else if (what === "clear") {
            line.swallowing = false;
            line.weather = CLEAR;
          } else if (direct.lines.length < 5) direct.again(); // the other side tried, too
        }
        const waits = await world.run(Promise.all(talking));
        assert.ok(Math.max(...waits) < 1_500, `a delivery took ${Math.max(...waits)} ms`);
        assert.deepEqual(heard, [numbers(60), numbers(60)]);
        for (const line of direct.lines) {
          line.swallowing = false;
          line.weather = CLEAR;
        }
        await leap(world, 120_000);
        assert.deepEqual([ab.path.kind, ba.path.kind], ["direct", "direct"]);
        await world.end();
        assert.equal(world.clock.timers, 0);
      }),
      { numRuns: 6 },
    );
  });
});
