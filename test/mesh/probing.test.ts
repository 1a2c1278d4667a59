import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { MeshEffect } from "../../src/mesh/mesh_effect.ts";
import {
  MAX_ASKERS,
  MAX_RELAYED,
  PROBE_HELPERS,
  PROBE_INTERVAL,
  PROBE_TIMEOUT,
} from "../../src/mesh/mesh_limits.ts";
import { Probing } from "../../src/mesh/probing.ts";
import { seeded } from "../dice.ts";
import { Believing } from "./believing.ts";
import { idOf, meshOf } from "./virtual_mesh.ts";

const [me, x, y, z] = [0, 1, 2, 3].map(idOf) as [PeerId, PeerId, PeerId, PeerId];
type Probe = Extract<MeshEffect, { type: "probe" }>;

/** A node with sessions to `sessions`, knowing `hearsay` besides. */
function newNode(
  sessions: PeerId[],
  hearsay: PeerId[] = [],
  hop: (target: PeerId) => PeerId | undefined = () => undefined,
) {
  const members = new Believing({ id: me, epoch: 1, urls: [], random: seeded(1) });
  for (const node of sessions) members.sessionUp(node, 1, [], 0);
  for (const node of hearsay) {
    members.receive(sessions[0]!, [{ node, epoch: 1, incarnation: 0, state: "alive", urls: [] }], 0);
  }
  return { members, probing: new Probing({ members, hop, random: seeded(2) }, 0) };
}

const probes = (effects: readonly MeshEffect[]) =>
  effects.filter((effect): effect is Probe => effect.type === "probe");

/** Ticks, with all others answering, until it probes `target`. */
function probing(node: ReturnType<typeof newNode>, target: PeerId): Probe {
  for (let i = 0; i < 40; i++) {
    for (const probe of probes(node.probing.tick(node.probing.due))) {
      if (probe.target === target) return probe;
      node.probing.answered(probe.to, probe.nonce, probe.target);
    }
  }
  assert.fail("the target is never probed");
}

describe("a period", () => {
  it("asks the target, then up to three others, and only then suspects", () => {
    const helpers = [y, z, idOf(4), idOf(5), idOf(6)];
    const node = newNode([x, ...helpers]);
    const { nonce, to } = probing(node, x);
    assert.equal(to, x);
    const asked = probes(node.probing.tick(node.probing.due));
    assert.equal(asked.length, PROBE_HELPERS);
    assert.equal(new Set(asked.map(({ to }) => to)).size, PROBE_HELPERS);
    for (const probe of asked) {
      assert(helpers.includes(probe.to) && probe.target === x);
      assert.deepEqual(probe.nonce, nonce);
    }
    assert.equal(node.members.get(x)?.state, "alive");
    const effects = node.probing.tick(node.probing.due);
    assert(effects.some((effect) => effect.type === "suspect" && effect.node === x));
  });

  it("ends well with an answer from whoever was asked, and with nobody else's", () => {
    for (const [from, good] of [[x, true], [y, true], [z, false]] as const) {
      const node = newNode([x, y], [z]);
      const { nonce } = probing(node, x);
      node.probing.tick(node.probing.due);
      node.probing.answered(from, nonce, x);
      node.probing.tick(node.probing.due);
      assert.equal(node.members.get(x)?.state, good ? "alive" : "suspect");
    }
  });

  it("is not helped by a wrong nonce or another target's answer", () => {
    const node = newNode([x, y]);
    const { nonce } = probing(node, x);
    node.probing.answered(x, nonce.map((byte) => byte ^ 1), x);
    node.probing.answered(x, nonce, y);
    assert.equal(probes(node.probing.tick(node.probing.due)).length, 1, "it asks y");
  });

  it("answered at once asks nobody else", () => {
    const node = newNode([x, y]);
    const { nonce } = probing(node, x);
    node.probing.answered(x, nonce, x);
    assert.deepEqual(probes(node.probing.tick(node.probing.due)), []);
  });

  it("reaches a node without a session by its next hop", () => {
    const node = newNode([y], [x], () => y);
    const probe = probing(node, x);
    assert.equal(probe.to, y);
    node.probing.answered(y, probe.nonce, x);
    node.probing.tick(node.probing.due);
    node.probing.tick(node.probing.due);
    assert.equal(node.members.get(x)?.state, "alive");
  });

  it("takes every member once a round", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (count) => {
        const ids = Array.from({ length: count }, (_, i) => idOf(i + 1));
        const node = newNode(ids);
        for (let round = 0; round < 3; round++) {
          const seen = new Set<PeerId>();
          for (let i = 0; i < 2 * count; i++) {
            for (const { nonce, target } of probes(node.probing.tick(node.probing.due))) {
              node.probing.answered(target, nonce, target);
              seen.add(target);
            }
          }
          assert.equal(seen.size, count);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("begins with whom there is doubt about", () => {
    const node = newNode(Array.from({ length: 30 }, (_, i) => idOf(i + 1)));
    node.members.sessionDown(x, 0);
    node.probing.tick(node.probing.due);
    node.members.sessionDown(y, 0);
    node.probing.tick(node.probing.due);
    node.members.sessionUp(y, 1, [], 0);
    assert.equal(probes(node.probing.tick(node.probing.due))[0]?.target, y);
  });

  it("lasts PROBE_INTERVAL, and ticks before it is due do nothing", () => {
    const node = newNode([x]);
    const first = node.probing.due;
    node.probing.tick(first);
    assert.deepEqual(node.probing.tick(first + PROBE_TIMEOUT - 1), []);
    node.probing.tick(first + PROBE_TIMEOUT);
    assert.equal(node.probing.due, first + PROBE_INTERVAL);
  });
});

describe("a process that stood still", () => {
  it("suspects nobody for what it missed, at whatever moment it stopped", () => {
    fc.assert(fc.property(fc.nat(6), fc.integer({ min: PROBE_TIMEOUT + 1, max: 60_000 }), (ticks, late) => {
      const node = newNode([x, y]);
      for (let i = 0; i < ticks; i++) answerAll(node, node.probing.due);
      const silent = probes(node.probing.tick(node.probing.due)); // unanswered: it stops here
      const resumed = node.probing.tick(node.probing.due + late);
      assert(!resumed.some(({ type }) => type === "suspect" || type === "dead"));
      for (const { nonce, target, to } of silent) node.probing.answered(to, nonce, target);
      for (const probe of probes(resumed)) node.probing.answered(probe.to, probe.nonce, probe.target);
      for (let i = 0; i < 8; i++) answerAll(node, node.probing.due);
      assert.deepEqual([...node.members].map(({ state }) => state), ["alive", "alive"]);
    }));
  });

  function answerAll({ probing }: ReturnType<typeof newNode>, now: number): void {
    for (const { to, nonce, target } of probes(probing.tick(now))) probing.answered(to, nonce, target);
  }

  it("gives suspects time to be heard before they die", () => {
    const node = newNode([x, y]);
    node.members.suspect(x, 0);
    const effects = node.probing.tick(node.probing.due + 30_000);
    assert(!effects.some(({ type }) => type === "dead"));
    assert.equal(node.members.get(x)?.state, "suspect");
    for (let i = 0; i < 2; i++) node.probing.tick(node.probing.due);
    assert.equal(node.members.get(x)?.state, "suspect", "an interval at least");
    for (let i = 0; i < 6; i++) node.probing.tick(node.probing.due);
    assert.equal(node.members.get(x)?.state, "dead");
  });

  it("among others takes nobody with it, and is back at once", () => {
    const mesh = meshOf(6, 11);
    mesh.run(4_000);
    const [stopped] = mesh.nodes.splice(2, 1);
    stopped!.stop();
    mesh.run(10_000);
    for (const node of mesh.nodes) assert.equal(node.view(stopped!.id), "dead");
    stopped!.resume();
    mesh.run(3_000);
    for (const node of mesh.nodes) assert.equal(node.view(stopped!.id), "alive");
    const judged = stopped!.changes.filter(({ type }) => type === "suspect" || type === "dead");
    assert.deepEqual(judged, []);
    for (const node of mesh.nodes) {
      const dead = node.changes.filter((change) => change.type === "dead");
      assert(dead.every((change) => change.type === "dead" && change.node === stopped!.id));
    }
  });
});

describe("a probe for another node", () => {
  const nonce = new Uint8Array(8).fill(7);

  it("for this one is answered", () => {
    const { probing } = newNode([x]);
    assert.deepEqual(probing.probed(x, nonce, me, 0), [{ type: "probeAck", to: x, nonce, target: me }]);
  });

  it("goes out under a nonce of our own, and its answer comes back under the asker's", () => {
    const { probing } = newNode([x, y]);
    const [probe] = probes(probing.probed(y, nonce, x, 0));
    assert(probe && probe.to === x && probe.target === x);
    assert.notDeepEqual(probe.nonce, nonce);
    assert.deepEqual(probing.answered(y, probe.nonce, x), [], "only from where it went");
    assert.deepEqual(probing.answered(x, nonce, x), [], "only with its nonce");
    assert.deepEqual(probing.answered(x, probe.nonce, x), [{ type: "probeAck", to: y, nonce, target: x }]);
    assert.deepEqual(probing.answered(x, probe.nonce, x), [], "only once");
  });

  it("is sent once however many ask, so a circle of requests ends", () => {
    const askers = Array.from({ length: MAX_ASKERS + 4 }, (_, i) => idOf(i + 10));
    const { probing } = newNode([x, ...askers]);
    const sent = askers.flatMap((asker) => probes(probing.probed(asker, nonce, x, 0)));
    assert.equal(sent.length, 1);
    assert.equal(probing.answered(x, sent[0]!.nonce, x).length, MAX_ASKERS);
  });

  it("is not sent back, nor for strangers, nor without a way", () => {
    const { probing } = newNode([y], [x], () => y);
    assert.deepEqual(probing.probed(y, nonce, x, 0), []);
    assert.deepEqual(probing.probed(y, nonce, idOf(99), 0), []);
    assert.deepEqual(newNode([y], [x]).probing.probed(y, nonce, x, 0), []);
  });

  it("is forgotten with its time, and no more than so many are under way", () => {
    const targets = Array.from({ length: MAX_RELAYED + 1 }, (_, i) => idOf(i + 10));
    const { probing } = newNode([x, ...targets]);
    const sent = targets.map((target) => probes(probing.probed(x, nonce, target, 0)).length);
    assert.equal(sent.reduce((a, b) => a + b), MAX_RELAYED);
    assert.equal(probes(probing.probed(x, nonce, targets.at(-1)!, PROBE_TIMEOUT)).length, 1);
  });
});
