import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ExportableIdentity, identityFromSeed } from "../../src/identity/identity.ts";
import {
  readAnnouncement,
  signAnnouncement,
  topicKey,
  verifyAnnouncement,
} from "../../src/wire/announcement.ts";
import { decode, encode } from "../../src/wire/cbor.ts";
import { CLOCK_SKEW } from "../../src/wire/limits.ts";
import { fromJson } from "./notation.ts";
import { readVectors } from "./vectors.ts";

const vector = fromJson(readVectors().topic) as {
  network: string;
  name: string;
  secret: string;
  seed: Uint8Array;
  topic: Uint8Array;
  proof: Uint8Array;
  peerSeed: Uint8Array;
  fields: { issued: number; expires: number; network: string };
  announcement: Uint8Array;
};
const now = vector.fields.issued;
const context = { network: "main", now };
const topic = await topicKey(vector.network, vector.name, vector.secret);
const peer = await identityFromSeed(vector.peerSeed);
const other = await identityFromSeed(new Uint8Array(32).fill(9));
const make = (changes: Partial<typeof vector.fields>) =>
  signAnnouncement(topic.identity, peer, { ...vector.fields, ...changes });
const judge = async (bytes: Uint8Array) => (await verifyAnnouncement(bytes, context)).error;

describe("a topic's key", () => {
  it("follows from network, name and secret as vectors.json says", () => {
    assert.deepEqual((topic.identity as ExportableIdentity).seed, vector.seed);
    assert.deepEqual(topic.identity.publicKey, vector.topic);
  });

  it("differs with each of them, and where one's end is another's beginning", async () => {
    const inputs = [["main", "tea", ""], ["main", "te", "a"], ["maint", "ea", ""], [
      "main",
      "",
      "tea",
    ]] as const;
    const ids = await Promise.all(
      inputs.map(async ([network, name, secret]) => (await topicKey(network, name, secret)).identity.id),
    );
    assert.equal(new Set(ids).size, inputs.length);
  });

  it("proves that one peer knows the name, to one other and not the other way round", async () => {
    const proof = topic.proof(peer.publicKey, other.publicKey);
    const again = await topicKey("main", "tea", "");
    assert.deepEqual(again.proof(peer.publicKey, other.publicKey), proof);
    assert.notDeepEqual(topic.proof(other.publicKey, peer.publicKey), proof);
    const coffee = await topicKey("main", "coffee", "");
    assert.notDeepEqual(coffee.proof(peer.publicKey, other.publicKey), proof);
  });
});

describe("an announcement", () => {
  it("is made and read as vectors.json says", async () => {
    assert.deepEqual(await make({}), vector.announcement);
    const { announcement } = await verifyAnnouncement(vector.announcement, context) as {
      announcement: unknown;
    };
    const fields = { topic: vector.topic, peer: peer.publicKey, ...vector.fields };
    assert.deepEqual(announcement, fields);
    assert.deepEqual(readAnnouncement(vector.announcement), fields);
  });

  it("is refused when late, early, too long, or of another network", async () => {
    assert.equal(
      await judge(await make({ issued: now - CLOCK_SKEW - 1, expires: now - CLOCK_SKEW })),
      "expired",
    );
    assert.equal(
      await judge(await make({ issued: now + CLOCK_SKEW + 1, expires: now + CLOCK_SKEW + 2 })),
      "future",
    );
    assert.equal(await judge(await make({ expires: now + 300_001 })), "too-long");
    assert.equal(await judge(await make({ expires: now })), "malformed");
    assert.equal(await judge(await make({ network: "other" })), "wrong-network");
  });

  it("is refused without the topic's signature, and without the peer's", async () => {
    const [body, byTopic, byPeer] = decode(vector.announcement) as [Uint8Array, Uint8Array, Uint8Array];
    assert.equal(await judge(encode([body, byPeer, byPeer])), "bad-signature");
    assert.equal(await judge(encode([body, byTopic, byTopic])), "bad-signature");
    assert.equal(await judge(encode([body, byTopic, byPeer])), undefined);
  });

  it("never holds when any byte of it is another, and never makes the reader throw", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = vector.announcement.slice();
        bytes[at % bytes.length]! ^= change;
        assert.notEqual(await judge(bytes), undefined);
      }),
      { numRuns: 200 },
    );
  });
});
