import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import { keyOf, natsPrefix, NatsSubjects, speakerOf } from "../../src/rendezvous/nats_subjects.ts";
import { matches } from "./virtual_nats.ts";

const [node, peer, other] = await Promise.all([generateIdentity(), generateIdentity(), generateIdentity()]);

describe("the subjects of a network", () => {
  it("hold names that mean something to NATS as one token, and keep them apart", () => {
    assert.equal(natsPrefix("default"), "waymeet.default");
    assert.equal(natsPrefix("a.*"), "waymeet.a%2E%2A");
    assert.equal(natsPrefix("> b"), "waymeet.%3E%20b");
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      assert.match(natsPrefix(a), /^waymeet\.[^\s.*>]+$/);
      assert.equal(natsPrefix(a) === natsPrefix(b), a === b);
    }));
  });

  it("lead to one node each, and tell who speaks", () => {
    const [mine, theirs] = [new NatsSubjects("n", node.id), new NatsSubjects("n", other.id)];
    assert(matches(mine.own.to, theirs.to(node.id, peer.id)));
    assert(!matches(theirs.own.to, theirs.to(node.id, peer.id)));
    assert(matches(mine.own.node, theirs.node(node.id)));
    assert.equal(speakerOf(theirs.node(node.id)), other.id);
    assert(matches(mine.own.all, theirs.all));
    assert.equal(speakerOf(theirs.all), other.id);
    assert.equal(speakerOf(`${mine.prefix}.all.${other.id.toUpperCase()}`), undefined);
    assert.equal(speakerOf(`${mine.prefix}.all.somebody`), undefined);
  });

  it("tell from an answer alone what was not delivered", () => {
    const subjects = new NatsSubjects("n", node.id);
    const subject = subjects.back(7, peer.id, other.id);
    assert(matches(subjects.own.back, subject));
    assert.deepEqual(subjects.readBack(subject), {
      through: 7,
      source: peer.publicKey,
      destination: other.publicKey,
    });
    assert.equal(subjects.readBack(`${subject}x`), undefined);
    assert.equal(subjects.readBack(subject.replace(peer.id, "x")), undefined);
  });

  it("are answered within the network alone", () => {
    const subjects = new NatsSubjects("n", node.id);
    assert(subjects.isReply(new NatsSubjects("n", other.id).back(0, peer.id, node.id)));
    assert(subjects.isReply("waymeet.n.inbox.x"));
    for (const stray of ["waymeet.n.all.x", "$SYS.REQ.SERVER.PING", "waymeet.n2.back.x"]) {
      assert(!subjects.isReply(stray), stray);
    }
  });

  it("name ids that are none as nobody", () => {
    assert.equal(keyOf(undefined), undefined);
    assert.equal(keyOf(peer.id.slice(1)), undefined);
    assert.equal(keyOf(`${peer.id.slice(0, -1)}b`), undefined);
    assert.deepEqual(keyOf(peer.id), peer.publicKey);
  });
});
