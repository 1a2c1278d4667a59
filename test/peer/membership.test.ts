import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { Membership, MISSING_PATIENCE } from "../../src/peer/membership.ts";

const [A, B, C] = ["a", "b", "c"] as PeerId[] as [PeerId, PeerId, PeerId];

it("another node's roster adds at once, and takes away after a moment", () => {
  const membership = new Membership();
  assert.deepEqual(membership.roster([A, B], 0), [A, B]);
  assert.deepEqual(membership.roster([B, C], 10), [C]);
  assert.equal(membership.due, 10 + MISSING_PATIENCE);
  assert.deepEqual(membership.waited(9 + MISSING_PATIENCE), []);
  assert.deepEqual(membership.waited(10 + MISSING_PATIENCE), [A]);
  assert.deepEqual([...membership.members], [B, C]);
});

it("who is missing and comes back, or whose node is lost meanwhile, never left", () => {
  const membership = new Membership();
  membership.roster([A, B], 0);
  membership.roster([], 0);
  assert.equal(membership.came(A), false);
  membership.unheard();
  assert.deepEqual(membership.waited(1_000_000), []);
  assert.deepEqual([...membership.members], [A, B]);
});

it("joins and leaves alternate for each member, and the last roster holds in the end", () => {
  const peers = fc.uniqueArray(fc.constantFrom(A, B, C));
  const step = fc.oneof(
    fc.record({ roster: peers }),
    fc.record({ came: fc.constantFrom(A, B, C) }),
    fc.record({ left: fc.constantFrom(A, B, C) }),
    fc.record({ wait: fc.nat(3_000) }),
  );
  fc.assert(
    fc.property(fc.array(step), peers, (steps, last) => {
      const membership = new Membership();
      const here = new Set<PeerId>();
      let now = 0;
      const join = (peer: PeerId) => (assert(!here.has(peer)), here.add(peer));
      const leave = (peer: PeerId) => assert(here.delete(peer));
      for (const step of [...steps, { roster: last }, { wait: MISSING_PATIENCE }]) {
        if ("roster" in step) membership.roster(step.roster, now).forEach(join);
        else if ("came" in step) { if (membership.came(step.came)) join(step.came); }
        else if ("left" in step) { if (membership.left(step.left)) leave(step.left); }
        else membership.waited(now += step.wait).forEach(leave);
      }
      assert.deepEqual([...here].sort(), [...last].sort());
      assert.deepEqual([...membership.members].sort(), [...last].sort());
    }),
  );
});
