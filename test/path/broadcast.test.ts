import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Broadcast, type Channel } from "../../src/path/broadcast.ts";
import type { Clock } from "../../src/session/clock.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";

/** Channels of one origin: what is posted on a name reaches every other channel of that name, as a copy. */
class Origin {
  readonly channels = new Map<string, Set<Channel>>();
  readonly names = new Set<string>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  open(name: string): Channel {
    this.names.add(name);
    const all = this.channels.get(name) ?? new Set();
    this.channels.set(name, all);
    const channel: Channel = {
      onmessage: null,
      postMessage: (message) => {
        const data = structuredClone(message);
        for (const other of all) {
          if (other !== channel) {
            this.clock.after(1, () => other.onmessage?.({ data }));
          }
        }
      },
      close: () => {
        all.delete(channel);
        channel.onmessage = null;
      },
    };
    all.add(channel);
    return channel;
  }

  get listening(): number {
    return [...this.channels.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

async function tabs() {
  const world = new VirtualWorld();
  await world.start();
  const origin = new Origin(world.clock);
  world.neighbourhoods = [new Broadcast((name) => origin.open(name))];
  const [a, b] = [await world.open(), await world.open()];
  return { world, origin, a, b };
}

describe("two tabs of one origin", () => {
  it("meet without any node, and talk without one", async () => {
    const { world, origin, a, b } = await tabs();
    world.kill();
    await world.pass(100);
    const arriving = nextLink(b);
    const ab = await world.run(a.dial(b.id), 1_000);
    const heard = collect(await world.run(arriving));
    await world.run(ab.send("hello"), 1_000);
    assert.deepEqual(heard, ["hello"]);
    assert.equal(ab.path.why, "local: in the same browser or process");
    await world.end();
    assert.equal(world.clock.timers, 0);
    assert.equal(origin.listening, 0);
  });

  it("a tab that is gone without a word costs less than a second while a node is there", async () => {
    const { world, origin, a, b } = await tabs();
    const arriving = nextLink(b);
    const ab = await world.run(a.dial(b.id));
    const heard = collect(await world.run(arriving));
    await world.run(ab.send("near"));
    await world.pass(500);
    assert.equal(ab.path.kind, "local");
    for (const channels of origin.channels.values()) for (const each of channels) each.onmessage = null;
    const began = world.clock.now();
    await world.run(ab.send("far"));
    assert.ok(world.clock.now() - began < 1_000, `${world.clock.now() - began} ms`);
    assert.deepEqual(heard, ["near", "far"]);
    await world.end();
  });

  it("what else is written on their channels changes nothing", async () => {
    const { world, origin, a, b } = await tabs();
    const word = fc.record({
      kind: fc.constantFrom("who", "here", "packet", "left", 7),
      from: fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), fc.anything()),
      bytes: fc.oneof(fc.uint8Array(), fc.anything()),
      record: fc.anything(),
    });
    for (const data of fc.sample(fc.oneof(word, fc.anything()), { numRuns: 300, seed: 1 })) {
      for (const channels of origin.channels.values()) {
        for (const each of channels) each.onmessage?.({ data });
      }
    }
    const ab = await world.run(a.dial(b.id));
    await world.run(ab.send("still here"));
    await world.end();
  });
});
