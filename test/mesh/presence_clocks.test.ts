/** Records of peers whose clocks are wrong, and records that somebody kept. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PresenceEntry } from "../../src/wire/mesh_protocol.ts";
import type { PeerRecord } from "../../src/wire/protocol.ts";
import { CLOCK_SKEW, RECORD_LIFETIME } from "../../src/wire/limits.ts";
import { nodeId, nodeKey, peerId, peerKey, recordOf, signed, START, World } from "./presence_world.ts";

const DAY = 86_400_000;
/** A node that tells node 1 what it likes; node 2 hears of it from node 1. */
const TELLER = 0;
/** Where the peer is said to be. */
const PLACE = 9;

function chain(): World {
  const world = new World(3);
  world.connect(0, 1);
  world.connect(1, 2);
  world.deliver();
  return world;
}

/** A record of peer 1, by a clock that is `by` milliseconds ahead. */
function recordBy(by: number, now: number, fields: Partial<PeerRecord> = {}): PeerRecord {
  const issued = now + by;
  return recordOf(1, [PLACE], { started: START + by, issued, expires: issued + RECORD_LIFETIME, ...fields });
}

function tell(world: World, version: number, record: PeerRecord | null, left?: number): void {
  const entry: PresenceEntry = { version, peer: peerKey(1), record: record && signed(record) };
  if (left !== undefined) entry.left = left;
  const delta = {
    kind: "presence" as const,
    origin: nodeKey(PLACE),
    epoch: START,
    from: version - 1,
    to: version,
  };
  world.receive(1, TELLER, { ...delta, entries: [entry] });
  world.deliver();
}

const found = (world: World): boolean[] =>
  [1, 2].map((node) => world.nodes[node]!.find(peerId(1)) !== undefined);
const refused = (world: World, why: "expired" | "future" | "older"): number =>
  world.nodes[1]!.refusals.get(why) ?? 0;

describe("a record by a clock that is wrong", () => {
  for (const by of [2 * DAY, -2 * DAY]) {
    it(`by ${by / DAY} days holds for as long as is told, at every node on its way`, () => {
      const world = chain();
      tell(world, 1, recordBy(by, world.now), 200_000);
      assert.deepEqual(found(world), [true, true]);
      world.run(198);
      assert.deepEqual(found(world), [true, true]);
      world.run(3);
      assert.deepEqual(found(world), [false, false]);
    });
  }

  it("never holds longer than its peer said", () => {
    const world = chain();
    const record = recordBy(DAY, world.now);
    tell(world, 1, { ...record, expires: record.issued + 10_000 }, RECORD_LIFETIME);
    world.run(11);
    assert.deepEqual(found(world), [false, false]);
  });

  it("of which nobody tells how long it holds is refused and counted", () => {
    const world = chain();
    tell(world, 1, recordBy(DAY, world.now));
    tell(world, 2, recordBy(-DAY, world.now));
    assert.deepEqual(found(world), [false, false]);
    assert.deepEqual([refused(world, "future"), refused(world, "expired")], [1, 1]);
  });

  it("by more than clocks may be wrong is refused and counted, whatever is told", () => {
    const world = chain();
    tell(world, 1, recordBy(CLOCK_SKEW + 1, world.now), RECORD_LIFETIME);
    tell(world, 2, recordBy(-CLOCK_SKEW - RECORD_LIFETIME, world.now), RECORD_LIFETIME);
    assert.deepEqual(found(world), [false, false]);
    assert.deepEqual([refused(world, "future"), refused(world, "expired")], [1, 1]);
  });

  it("is outdone by the next of its process, although that has an earlier time", () => {
    const world = chain();
    tell(world, 1, recordBy(DAY, world.now), RECORD_LIFETIME);
    const next = recordBy(-DAY, world.now, { started: START + DAY, sequence: 1 });
    tell(world, 2, next, RECORD_LIFETIME);
    assert.equal(world.nodes[2]!.find(peerId(1))?.record.sequence, 1);
    assert.deepEqual(world.nodes[2]!.find(peerId(1))?.nodes, [nodeId(PLACE)]);
  });
});

describe("a record that somebody kept", () => {
  it("does not bring back a peer that left, neither its newest nor one before it", () => {
    const world = chain();
    const first = recordBy(DAY, world.now);
    tell(world, 1, first, RECORD_LIFETIME);
    world.run(100);
    const second = recordBy(DAY, world.now, { sequence: 1 });
    tell(world, 2, second, RECORD_LIFETIME);
    tell(world, 3, null);
    assert.deepEqual(found(world), [false, false]);
    world.run(201);
    tell(world, 4, first, RECORD_LIFETIME); // its 300 s are over, those of the second are not
    assert.deepEqual(found(world), [false, false]);
    assert.equal(refused(world, "expired"), 1);
    world.run(100);
    tell(world, 5, second, RECORD_LIFETIME);
    assert.deepEqual(found(world), [false, false]);
    assert.equal(refused(world, "expired"), 2);
  });

  it("holds no longer than it would have, however often and with whatever time it is told again", () => {
    const replay = fc.record({
      after: fc.integer({ min: 1, max: 60 }),
      newest: fc.boolean(),
      left: fc.nat(RECORD_LIFETIME),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -2 * DAY, max: 2 * DAY }),
        fc.array(replay, { maxLength: 8 }),
        (by, replays) => {
          const world = chain();
          const records = [recordBy(by, START), recordBy(by, START, { sequence: 1 })];
          records.forEach((record, i) => tell(world, i + 1, record, RECORD_LIFETIME));
          replays.forEach(({ after, newest, left }, i) => {
            world.run(after);
            tell(world, i + 3, records[newest ? 1 : 0]!, left);
            if (world.now - START > RECORD_LIFETIME) assert.deepEqual(found(world), [false, false]);
          });
          world.run(Math.max(0, (START + RECORD_LIFETIME - world.now) / 1_000) + 1);
          assert.deepEqual(found(world), [false, false]);
        },
      ),
      { numRuns: 12 },
    );
  });
});
