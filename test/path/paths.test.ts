import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { LocalProcess } from "../../src/path/local.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import { VirtualDirect } from "./virtual_direct.ts";

/** Two peers with a link, and direct paths between them. */
async function meet() {
  const world = new VirtualWorld();
  await world.start();
  world.direct = new VirtualDirect(world.clock);
  const [a, b] = [await world.open(), await world.open()];
  const arriving = nextLink(b);
  const ab = await world.run(a.dial(b.id));
  const ba = await world.run(arriving);
  return { world, a, b, ab, ba, direct: world.direct };
}

describe("paths of a link", () => {
  it("a message flows over the relay at once; the direct path takes over once a challenge came back", async () => {
    const { world, ab, ba, direct } = await meet();
    const heard = collect(ba);
    await world.run(ab.send("first"));
    assert.equal(ab.path.kind, "relay");
    await world.pass(1_000);
    assert.equal(ab.path.kind, "direct");
    assert.equal(ab.path.why, "direct: punched by a test");
    assert.equal(ba.path.kind, "direct");
    const carried = () => direct.line!.bytes[0] + direct.line!.bytes[1];
    const before = carried();
    await world.run(ab.send("x".repeat(5_000)));
    assert.ok(carried() - before > 5_000);
    assert.deepEqual(heard.map((text) => text.length), [5, 5_000]);
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  it("a direct path that dies without a word is left within a second", async () => {
    const { world, ab, ba, direct } = await meet();
    const heard = collect(ba);
    await world.pass(1_000);
    direct.line!.swallowing = true;
    const began = world.clock.now();
    await world.run(ab.send("through"));
    assert.ok(world.clock.now() - began < 400, `took ${world.clock.now() - began} ms`);
    await world.pass(began + 1_000 - world.clock.now());
    assert.equal(ab.path.kind, "relay");
    assert.match(ab.path.why, /^relay: direct went silent/);
    assert.deepEqual(heard, ["through"]);
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  it("answers that died with a direct path, told late by the relay, do not keep it alive", async () => {
    for (const before of [0, 40, 90, 140]) { // of a second: where in the round of challenges it dies
      const { world, ab, ba, direct } = await meet();
      const heard = collect(ba);
      await world.pass(1_000 + before);
      assert.equal(ab.path.kind, "direct");
      const sent: Promise<unknown>[] = [];
      const say = () => sent.push(ab.send(`${sent.length}`.padEnd(9_000))) < 200 && world.clock.after(5, say);
      say();
      await world.pass(50);
      // What leaves arrives, and its answers do not come back: the greeted side tried first, and its end is the first.
      direct.line!.swallows = [true, false];
      await world.pass(20);
      direct.line!.swallowing = true;
      await world.pass(600); // 150 to the next challenge, 400 without an answer
      assert.equal(ab.path.kind, "relay", `${before}`);
      await world.run(Promise.all(sent));
      await world.pass(1_000);
      assert.deepEqual(heard.map(Number), [...sent.keys()]);
      await world.end();
    }
  });

  it("a new process of the peer gets what was undelivered, and a direct path of its own", async () => {
    const world = new VirtualWorld();
    await world.start();
    const direct = world.direct = new VirtualDirect(world.clock);
    const key = await generateIdentity();
    const [a, b] = [await world.open(), await world.open({ key })];
    const arriving = nextLink(b);
    const ab = await world.run(a.dial(b.id));
    await world.run(arriving);
    await world.pass(1_000);
    assert.equal(ab.path.kind, "direct");
    const next = await world.open({ key });
    const again = nextLink(next);
    const sent = ab.send("to the new one");
    const heard = collect(await world.run(again));
    await world.run(sent);
    assert.deepEqual(heard, ["to the new one"]);
    await world.pass(5_000);
    assert.equal(ab.path.kind, "direct");
    assert.ok(direct.lines.length > 1);
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  it("two peers of one process use memory at once, and meet without any node", async () => {
    const world = new VirtualWorld();
    await world.start();
    world.neighbourhoods = [new LocalProcess()];
    const [a, b] = [await world.open(), await world.open()];
    world.kill();
    await world.pass(100);
    assert.equal(a.node, undefined);
    const arriving = nextLink(b);
    const ab = await world.run(a.dial(b.id));
    const heard = collect(await world.run(arriving));
    await world.run(ab.send("no network"), 1_000);
    assert.deepEqual(heard, ["no network"]);
    assert.equal(ab.path.kind, "local");
    assert.equal(ab.path.why, "local: in the same process");
    await world.end();
    assert.equal(world.clock.timers, 0);
  });
});
