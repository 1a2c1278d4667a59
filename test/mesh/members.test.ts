import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { type Claim, claimFrames, type ClaimState, compareClaims, readClaim } from "../../src/mesh/claim.ts";
import type { Members } from "../../src/mesh/members.ts";
import type { MeshEffect } from "../../src/mesh/mesh_effect.ts";
import {
  ALONE_PATIENCE,
  FORGET,
  GRAVE_LIFETIME,
  MAX_CLAIM_BYTES,
  MAX_EPOCH,
  MAX_INCARNATION,
  MAX_INTRODUCED,
  MAX_KNOWN,
  REFUTE_PAUSE,
  SUSPICION,
} from "../../src/mesh/mesh_limits.ts";
import { MAX_ORIGINS } from "../../src/wire/limits.ts";
import { seeded } from "../dice.ts";
import { Believing } from "./believing.ts";
import { idOf } from "./virtual_mesh.ts";

const [me, x, y, z] = [0, 1, 2, 3].map(idOf) as [PeerId, PeerId, PeerId, PeerId];

function newMembers(options: Partial<ConstructorParameters<typeof Members>[0]> = {}): Members {
  return new Believing({ id: me, epoch: 10, urls: [], random: seeded(1), ...options });
}

function claim(node: PeerId, state: ClaimState, epoch: number = 1, incarnation: number = 0): Claim {
  return { node, epoch, incarnation, state, urls: [] };
}

const tells = (effects: readonly MeshEffect[], to: PeerId): Claim[] =>
  effects.flatMap((effect) => effect.type === "tell" && effect.to === to ? effect.claims : []);
const gossip = (effects: readonly MeshEffect[]): Claim[] =>
  effects.flatMap((effect) => effect.type === "gossip" ? effect.claims : []);
const types = (effects: readonly MeshEffect[]): string[] => effects.map(({ type }) => type);

/** `me` with sessions to `y` and `z`, knowing `x` by hearsay. */
function withHearsay(): Members {
  const members = newMembers();
  members.sessionUp(y, 1, [], 0);
  members.sessionUp(z, 1, [], 0);
  members.receive(y, [claim(x, "alive")], 0);
  return members;
}

const claims = fc.record({
  node: fc.constant(x),
  epoch: fc.nat(2),
  incarnation: fc.nat(2),
  state: fc.constantFrom<ClaimState>("alive", "suspect", "dead", "left"),
  urls: fc.constant([]),
}).map((heard) => readClaim(heard)!);

describe("claims", () => {
  it("are totally ordered", () => {
    fc.assert(fc.property(claims, claims, claims, (a, b, c) => {
      assert.equal(Math.sign(compareClaims(a, b)), -Math.sign(compareClaims(b, a)) + 0);
      if (compareClaims(a, b) === 0) assert.equal(JSON.stringify(a), JSON.stringify(b));
      if (compareClaims(a, b) >= 0 && compareClaims(b, c) >= 0) assert(compareClaims(a, c) >= 0);
    }));
  });

  it("of a higher epoch win, then final ones, then the higher incarnation, then suspicion", () => {
    const order = [
      claim(x, "alive", 1, 0),
      claim(x, "suspect", 1, 0),
      claim(x, "alive", 1, 1),
      claim(x, "dead", 1),
      claim(x, "left", 1),
      claim(x, "alive", 2, 0),
    ];
    assert.deepEqual([...order].reverse().sort(compareClaims), order);
  });

  it("out of bounds are refused and counted", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    const wrong: Claim[] = [
      claim(x, "alive", MAX_EPOCH + 1),
      claim(x, "alive", 1.5),
      claim(x, "alive", 1, MAX_INCARNATION + 1),
      { ...claim(x, "alive"), urls: ["https://x.example/"] },
      { ...claim(x, "alive"), urls: ["wss://a b/"] },
      { ...claim(x, "alive"), urls: Array(5).fill("wss://x.example/") },
    ];
    assert.deepEqual(members.receive(y, wrong, 0), []);
    assert.equal(members.refused.invalid, wrong.length);
    assert.equal(members.get(x), undefined);
  });

  it("are cut into groups that fit a frame, none lost", () => {
    const list = fc.array(fc.tuple(fc.nat(500), fc.nat(4), fc.nat(240)), { maxLength: 300 });
    fc.assert(
      fc.property(list, (shapes) => {
        const all = shapes.map(([node, count, length]): Claim => ({
          ...claim(idOf(node), "alive"),
          urls: Array(count).fill(`wss://${"u".repeat(length)}/`),
        }));
        const frames = claimFrames(all);
        assert.deepEqual(frames.flat(), all);
        for (const frame of frames) {
          const size = frame.reduce((sum, { urls }) => sum + 51 + urls.join("").length + 3 * urls.length, 0);
          assert(frame.length > 0 && frame.length <= 64 && size <= MAX_CLAIM_BYTES);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("hearsay", () => {
  it("gives the same belief in whatever order, and however often, it arrives", () => {
    const heard = fc.array(claims, { minLength: 1, maxLength: 8 });
    fc.assert(fc.property(heard, fc.array(fc.nat(7), { maxLength: 20 }), (list, again) => {
      const [straight, mixed] = [withHearsay(), withHearsay()];
      for (const one of list) straight.receive(y, [one], 0);
      const doubled = [...again.flatMap((i) => list[i] ?? []), ...list.toReversed()];
      for (const one of doubled) mixed.receive(z, [one], 0);
      assert.deepEqual(mixed.get(x), straight.get(x));
    }));
  });

  it("is passed on once, to all but who said it", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    const effects = members.receive(y, [claim(x, "alive")], 0);
    assert.deepEqual(effects, [
      { type: "joined", node: x, epoch: 1 },
      { type: "gossip", claims: [claim(x, "alive")], except: y },
    ]);
    assert.deepEqual(members.receive(z, [claim(x, "alive")], 0), []);
  });

  it("that is old is answered with what is known", () => {
    const members = withHearsay();
    members.receive(y, [claim(x, "dead")], 0);
    const effects = members.receive(z, [claim(x, "alive", 1, 7)], 0);
    assert.deepEqual(effects, [{ type: "tell", to: z, claims: [claim(x, "dead")] }]);
  });

  it("of death never overrides a live session; its subject is told, and it counts once the session ends", () => {
    for (const state of ["suspect", "dead", "left"] as const) {
      const members = withHearsay();
      members.sessionUp(x, 1, [], 0);
      const effects = members.receive(y, [claim(x, state)], 0);
      assert.deepEqual(effects, [{ type: "tell", to: x, claims: [claim(x, state)] }]);
      assert.equal(members.get(x)?.state, "alive");
      assert.equal(members.takeDoubt(), x, "it is probed next");
      assert.deepEqual(gossip(members.sessionDown(x, 5)), [claim(x, state)]);
      assert.equal(members.get(x)?.state, state);
    }
  });

  it("of a node's leaving is believed from the node itself, session or not", () => {
    const members = withHearsay();
    members.sessionUp(x, 1, [], 0);
    assert.deepEqual(types(members.receive(x, [claim(x, "left")], 0)), ["left", "gossip"]);
  });

  it("of death counts against a session when probing found the same", () => {
    const members = withHearsay();
    members.sessionUp(x, 1, [], 0);
    members.receive(y, [claim(x, "dead")], 0);
    assert.deepEqual(types(members.suspect(x, 0)), ["suspect", "dead", "gossip"]);
  });

  it("of suspicion ends for this node with a session, and its subject hears of it", () => {
    const members = withHearsay();
    members.receive(y, [claim(x, "suspect")], 0);
    const effects = members.sessionUp(x, 1, [], 10);
    assert.equal(members.get(x)?.state, "alive");
    assert(tells(effects, x).some(({ state }) => state === "suspect"));
    members.receive(y, [claim(x, "dead")], 20);
    assert.equal(members.get(x)?.state, "alive");
  });

  it("about nodes that are not allowed is refused and not passed on", () => {
    const members = newMembers({ allowed: (node) => node !== x });
    members.sessionUp(y, 1, [], 0);
    assert.deepEqual(members.receive(y, [claim(x, "alive")], 0), []);
    assert.equal(members.refused.stranger, 1);
  });
});

describe("a flood of members", () => {
  const flood = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => claim(idOf(1_000 + from + i), "alive"));

  it("ends at the first honest node: one session introduces so many, the rest is counted and not passed on", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    const room = MAX_KNOWN - 1;
    assert.equal(gossip(members.receive(y, flood(0, 2_000), 0)).length, Math.min(MAX_INTRODUCED, room));
    assert.equal(members.refused.flood, 2_000 - MAX_INTRODUCED);
  });

  it("never makes a node list more than its bound, but for those with a session: each has a point in a digest", () => {
    assert.equal(MAX_KNOWN + 1, MAX_ORIGINS);
    const members = newMembers();
    for (let i = 0; i < 8; i++) members.sessionUp(idOf(500 + i), 1, [], 0);
    for (let i = 0; i < 8; i++) members.receive(idOf(500 + i), flood(i * 256, 256), 0);
    assert.equal(members.size, MAX_KNOWN);
    assert(members.refused.full > 0);
    members.sessionUp(x, 1, [], 0);
    assert.equal(members.get(x)?.state, "alive");
  });

  it("of the dead makes room for the living", () => {
    const members = newMembers();
    for (let i = 0; i < 5; i++) members.sessionUp(idOf(500 + i), 1, [], 0);
    for (let i = 0; i < 4; i++) members.receive(idOf(500 + i), flood(i * 256, 256), 0);
    const { node } = flood(0, 1)[0]!;
    members.receive(idOf(500), [claim(node, "dead")], 0);
    members.receive(idOf(504), [claim(x, "alive")], 0);
    assert.equal(members.get(x)?.state, "alive");
    assert.equal(members.get(node), undefined);
    members.receive(idOf(504), [claim(node, "alive")], 0);
    assert.equal(members.get(node), undefined, "what made room stays dead");
  });

  it("from a session that did not greet is refused whole", () => {
    const members = newMembers();
    assert.deepEqual(members.receive(y, flood(0, 3), 0), []);
    assert.equal(members.size, 0);
  });
});

describe("a node accused", () => {
  it("of suspicion raises its incarnation; of death, or a life it does not know, its epoch", () => {
    const cases: [Claim, [number, number]][] = [
      [claim(me, "suspect", 10, 0), [10, 1]],
      [claim(me, "suspect", 10, 6), [10, 7]],
      [claim(me, "alive", 10, 3), [10, 4]],
      [claim(me, "suspect", 10, MAX_INCARNATION), [11, 0]],
      [claim(me, "dead", 10), [11, 0]],
      [claim(me, "left", 10), [11, 0]],
      [claim(me, "alive", 99, 4), [100, 0]],
    ];
    for (const [accusation, [epoch, incarnation]] of cases) {
      const members = newMembers();
      members.sessionUp(y, 1, [], 0);
      const effects = members.receive(y, [accusation], 0);
      const refuted = { type: "refuted", epoch, incarnation, renewed: epoch !== 10 };
      const own = claim(me, "alive", epoch, incarnation);
      assert.deepEqual(effects, [refuted, { type: "gossip", claims: [own], except: undefined }]);
      assert(compareClaims(own, accusation) > 0);
    }
  });

  it("answers old accusations to the speaker alone", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    assert.deepEqual(members.receive(y, [claim(me, "dead", 9)], 0), [
      { type: "tell", to: y, claims: [claim(me, "alive", 10)] },
    ]);
  });

  it("again and again speaks up once per pause, and in the end about the worst", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    members.receive(y, [claim(me, "suspect", 10)], 0);
    for (let i = 1; i < 50; i++) assert.deepEqual(members.receive(y, [claim(me, "dead", 10 + i)], 1), []);
    assert.deepEqual(members.tick(REFUTE_PAUSE).filter(({ type }) => type === "refuted"), [
      { type: "refuted", epoch: 60, incarnation: 0, renewed: true },
    ]);
  });

  it("after it left stays away", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    assert.deepEqual(gossip(members.leave()), [claim(me, "left", 10)]);
    assert.deepEqual(members.receive(y, [claim(me, "dead", 10)], 0), [
      { type: "tell", to: y, claims: [claim(me, "left", 10)] },
    ]);
    assert.deepEqual(members.receive(y, [claim(me, "alive", 99)], 0), []);
  });

  it("by its own former presence or edges takes a higher epoch", () => {
    const members = newMembers();
    members.outbid(9, 0);
    assert.equal(members.own.epoch, 10);
    members.outbid(10, 0);
    assert.equal(members.own.epoch, 11);
  });
});

describe("the dead", () => {
  it("die of unrefuted suspicion, are forgotten later, and old gossip does not raise them", () => {
    const members = withHearsay();
    members.suspect(x, 0);
    members.tick(SUSPICION - 1);
    assert.equal(members.get(x)?.state, "suspect");
    assert(types(members.tick(SUSPICION)).includes("dead"));
    members.tick(SUSPICION + FORGET);
    assert.equal(members.get(x), undefined);
    const late = SUSPICION + FORGET + GRAVE_LIFETIME - 1;
    members.tick(late);
    for (const state of ["alive", "suspect"] as const) {
      const effects = members.receive(y, [claim(x, state, 1, 9)], late);
      assert.deepEqual(effects, [{ type: "tell", to: y, claims: [claim(x, "dead")] }]);
    }
    assert.equal(members.get(x), undefined);
    assert.deepEqual(types(members.receive(y, [claim(x, "alive", 2)], late)), ["joined", "gossip"]);
  });

  it("whom one never met are remembered unseen", () => {
    const members = newMembers();
    members.sessionUp(y, 1, [], 0);
    assert.deepEqual(members.receive(y, [claim(x, "dead")], 0), []);
    members.receive(y, [claim(x, "alive")], 0);
    assert.equal(members.get(x), undefined);
  });

  it("take longer to die for a node that lost its last session to several: it is more likely the lost one", () => {
    for (const [others, patience] of [[1, SUSPICION], [3, SUSPICION * ALONE_PATIENCE]] as const) {
      const members = newMembers();
      for (let i = 1; i <= others; i++) members.sessionUp(idOf(i), 1, [], 0);
      for (let i = 1; i <= others; i++) members.sessionDown(idOf(i), 0);
      members.suspect(x, 0);
      members.tick(patience - 1);
      assert.equal(members.get(x)?.state, "suspect");
      members.tick(patience);
      assert.equal(members.get(x)?.state, "dead");
    }
  });

  it("who come back with a session hear of their death", () => {
    const members = withHearsay();
    members.receive(y, [claim(x, "dead")], 0);
    const effects = members.sessionUp(x, 1, [], 0);
    assert(tells(effects, x).some(({ node, state }) => node === x && state === "dead"));
    const forgotten = newMembers();
    forgotten.sessionUp(y, 1, [], 0);
    forgotten.receive(y, [claim(x, "dead")], 0);
    assert.deepEqual(tells(forgotten.sessionUp(x, 1, [], 0), x)[0], claim(x, "dead"));
  });

  it("keep their URLs, so that they can be dialled", () => {
    const members = newMembers();
    members.sessionUp(x, 1, ["wss://x.example/"], 0);
    members.sessionDown(x, 0);
    members.suspect(x, 0);
    members.tick(SUSPICION);
    assert.deepEqual({ ...members.get(x) }.state, "dead");
    assert.deepEqual({ ...members.get(x) }.urls, ["wss://x.example/"]);
  });
});
