import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { join, PresenceBatch } from "../../src/mesh/presence_batch.ts";
import { encodePresence } from "../../src/wire/frames.ts";
import { MAX_CHANGES, MAX_CONTROL } from "../../src/wire/limits.ts";
import type { PresenceDelta } from "../../src/wire/mesh_protocol.ts";
import { nodeId, nodeKey, peerKey, recordOf, signed, START } from "./presence_world.ts";

const record = signed(recordOf(1, [1]));

/** Change number `to` of a node: this peer came, or left. */
function change(to: number, peer: number, here = true, origin = 1): PresenceDelta {
  const entries = [{ version: to, peer: peerKey(peer), record: here ? record : null }];
  return { kind: "presence", origin: nodeKey(origin), epoch: START, from: to - 1, to, entries };
}

describe("changes of presence that leave together", () => {
  it("say in few frames that fit what they said one by one, the newest of each peer", () => {
    const peers = fc.array(fc.record({ peer: fc.nat(400), here: fc.boolean() }), {
      minLength: 1,
      maxLength: 600,
    });
    fc.assert(
      fc.property(peers, (changes) => {
        const batch = new PresenceBatch();
        changes.forEach(({ peer, here }, i) => batch.add([nodeId(2)], change(i + 1, peer, here)));
        const frames = batch.take().map(({ frame }) => frame);
        const known = new Map<string, boolean>();
        let version = 0;
        for (const frame of frames) {
          assert.equal(frame.from, version, "no gap");
          assert(frame.entries.length <= MAX_CHANGES && encodePresence(frame).length <= MAX_CONTROL);
          for (const entry of frame.entries) {
            assert(entry.version > version && entry.version <= frame.to);
            version = entry.version;
            known.set(entry.peer.join(), entry.record !== null);
          }
          version = frame.to;
        }
        assert.equal(version, changes.length);
        assert(frames.length <= 1 + changes.length / 25);
        const expected = new Map(changes.map(({ peer, here }) => [peerKey(peer).join(), here]));
        assert.deepEqual([...known].sort(), [...expected].sort());
      }),
      { numRuns: 30 },
    );
  });

  it("stay apart when they are of two origins, of two lives, for other neighbours, or not adjacent", () => {
    const batch = new PresenceBatch();
    batch.add([nodeId(2)], change(1, 1));
    batch.add([nodeId(2)], change(1, 1, true, 3));
    batch.add([nodeId(2), nodeId(4)], change(2, 2));
    assert.equal(batch.take().length, 3);
    assert(batch.empty);
    assert.equal(join(change(1, 1), { ...change(2, 2), epoch: START + 1 }), undefined);
    assert.equal(join(change(1, 1), change(3, 2)), undefined);
  });
});
