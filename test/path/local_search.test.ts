import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  LocalProcess,
  type Membership,
  type Neighbour,
  type Neighbourhood,
  type Resident,
} from "../../src/path/local.ts";
import { LocalSearch } from "../../src/path/local_search.ts";
import type { PathHost } from "../../src/path/port.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

/** A neighbourhood that can be cut: whoever looks finds nobody, and what is sent is lost. */
class Cuttable implements Neighbourhood {
  readonly #inner = new LocalProcess();
  cut = false;

  join(resident: Resident): Membership {
    const lossy = (from: Neighbour): Neighbour => ({
      ...from,
      send: (packet) => void (this.cut || from.send(packet)),
    });
    const membership = this.#inner.join({
      ...resident,
      record: () => resident.record(),
      packet: (from, bytes) => resident.packet(lossy(from), bytes),
      left: (key) => resident.left(key),
    });
    return {
      find: async (key) => {
        const found = this.cut ? undefined : await membership.find(key);
        return found && lossy(found);
      },
      leave: () => membership.leave(),
    };
  }
}

describe("a local path that died", () => {
  it("is left for the relay, looked for again, and used again; no message is lost", async () => {
    const world = new VirtualWorld();
    await world.start();
    const near = new Cuttable();
    world.neighbourhoods = [near];
    const [a, b] = [await world.open(), await world.open()];
    const arriving = nextLink(b);
    const ab = await world.run(a.dial(b.id));
    const heard = collect(await world.run(arriving));
    await world.run(ab.send("near"));
    await world.pass(1_000);
    assert.equal(ab.path.kind, "local");
    near.cut = true;
    await world.run(ab.send("far"));
    await world.pass(30_000);
    assert.equal(ab.path.kind, "relay");
    near.cut = false;
    await world.pass(60_000);
    assert.equal(ab.path.kind, "local");
    await world.run(ab.send("near again"));
    assert.deepEqual(heard, ["near", "far", "near again"]);
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  const host = {} as PathHost;
  const searching = (found: () => boolean) => {
    const clock = new VirtualClock();
    const looks: number[] = [];
    const search = new LocalSearch(clock, () => {
      looks.push(clock.now());
      return Promise.resolve(found());
    });
    const began = clock.now();
    return { clock, search, gaps: () => looks.map((at, i) => at - (looks[i - 1] ?? began)) };
  };

  it("is looked for ever more rarely, and for as long as the link lives", async () => {
    const { clock, search, gaps } = searching(() => false);
    search.lost(host);
    for (let i = 0; i < 1_400; i++) await clock.advance(1_000);
    assert.deepEqual(gaps(), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1_000));
    search.forget(host);
    assert.equal(clock.timers, 0);
  });

  it("is looked for as rarely as before when it dies again at once, and as soon as ever when it was steady", async () => {
    const { clock, search, gaps } = searching(() => true);
    for (const lasts of [1_000, 60_000, 0]) {
      search.lost(host);
      await clock.advance(4_000);
      await clock.advance(lasts);
    }
    // It lasted for 3 s of the first round, and 60 s of the second.
    assert.deepEqual(gaps(), [2_000, 3_000 + 4_000, 60_000 + 2_000]);
    search.close();
    assert.equal(clock.timers, 0);
  });

  it("is not looked for twice at a time, nor once the link is over while somebody looks", async () => {
    const { clock, search, gaps } = searching(() => false);
    search.lost(host);
    search.lost(host);
    await clock.advance(2_000);
    search.forget(host);
    await clock.advance(600_000);
    assert.equal(gaps().length, 1);
    assert.equal(clock.timers, 0);
  });
});
