/** A process that began after another one of its key, by a clock that says otherwise. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { Passport } from "../../src/peer/passport.ts";
import type { Clock } from "../../src/session/clock.ts";
import { CLOCK_SKEW } from "../../src/wire/limits.ts";
import { readRecord } from "../../src/wire/record.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { mortalClock, VirtualWorld } from "./virtual_world.ts";

const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));

/** The same time, told by a machine that is wrong. */
function skewed(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + by,
    after: (delay, run) => clock.after(delay, run),
  };
}

describe("a process whose machine's clock was set back since the one before it", () => {
  it("is found at once", async () => {
    const world = new VirtualWorld();
    const [here, there] = await world.startMesh(2);
    const key = await generateIdentity();
    const before = await world.open({ nodes: [here!], key, clock: skewed(world.clock, 20_000) });
    await world.pass(500);
    await world.run(before.close());
    await world.pass(500);
    const after = await world.open({ nodes: [here!], key });
    await world.pass(500);
    const place = world.node(there).place(key.id);
    assert.deepEqual(place?.nodes.toSorted(), after.nodes.map(({ id }) => id).toSorted());
    const link = await world.run((await world.open({ nodes: [there!] })).dial(key.id, { deadline: 5_000 }));
    await world.run(link.send("found"));
    await world.end();
  });
});

describe("a process whose predecessor was killed, and began by a clock that was ahead", () => {
  for (const nodes of [1, 2]) {
    it(`takes its seat, and links go on, at ${nodes === 1 ? "a node that stands alone" : "two nodes"}`, async () => {
      const world = new VirtualWorld();
      if (nodes === 1) await world.start();
      const urls = nodes === 1 ? [...world.stations.keys()] : await world.startMesh(nodes);
      const key = await generateIdentity();
      const process = mortalClock(world.clock);
      await world.open({ nodes: [urls[0]!], key, clock: skewed(process.clock, 25_000) });
      await world.pass(500);
      const lines = urls.flatMap((url) => [...world.stations.get(url)!.lines]);
      const other = await world.open({ nodes: [urls.at(-1)!] });
      await world.pass(500);
      const link = await world.run(other.dial(key.id));
      await world.run(link.send("to the first"));
      await world.pass(10_000);
      for (const line of lines) for (const end of line) end.cut = true;
      process.end();
      const after = await world.open({ nodes: [urls[0]!], key });
      const got: string[] = [];
      after.addEventListener("link", async ({ link }) => {
        for await (const message of link) got.push(message.text());
      });
      await world.run(link.send("to the second", { deadline: 60_000 }));
      assert.deepEqual(got, ["to the second"]);
      assert.equal(after.nodes.length, nodes);
      await world.end();
    });
  }
});

describe("a record of this key that says a later start", () => {
  const clock = new VirtualClock();

  async function two(by: number): Promise<{ earlier: Passport; later: Passport }> {
    const identity = await generateIdentity();
    const earlier = new Passport(identity, "default", skewed(clock, by), random);
    return { earlier, later: new Passport(identity, "default", clock, random) };
  }

  it("is outdone by one millisecond, once", async () => {
    const { earlier, later } = await two(20_000);
    const record = await earlier.sign([]);
    assert(await later.outdo(record));
    const said = readRecord(await later.sign([]))!;
    assert.equal(said.started, readRecord(record)!.started + 1);
    assert(!await later.outdo(record));
  });

  it("is left alone when it is another's, one's own, altered, too far ahead, or when this process is old", async () => {
    const { earlier, later } = await two(20_000);
    const record = await earlier.sign([]);
    const other = await (await two(20_000)).earlier.sign([]);
    const far = await (await two(2 * CLOCK_SKEW)).earlier.sign([]);
    const altered = { ...record, signature: record.signature.map((byte) => byte ^ 1) };
    for (const wrong of [other, far, altered, await later.sign([])]) assert(!await later.outdo(wrong));
    await clock.advance(CLOCK_SKEW + 1);
    assert(!await later.outdo(record));
  });
});
