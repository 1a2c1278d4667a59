import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Identity, identityFromSeed } from "../../src/identity/identity.ts";
import { encode } from "../../src/wire/cbor.ts";
import { CLOCK_SKEW, MAX_NODES, RECORD_LIFETIME, UNTOLD_SKEW } from "../../src/wire/limits.ts";
import { Domain, type PeerRecord, type SignedBytes } from "../../src/wire/protocol.ts";
import {
  compareRecords,
  encodeRecordBody,
  leftOf,
  readRecord,
  type RecordError,
  signRecord,
  untoldError,
  verifyRecord,
} from "../../src/wire/record.ts";

const now = 1_764_000_000_000;
const peer = await identityFromSeed(new Uint8Array(32).fill(1));
const other = await identityFromSeed(new Uint8Array(32).fill(2));

function record(change: Partial<PeerRecord> = {}): PeerRecord {
  return {
    peer: peer.publicKey,
    instance: new Uint8Array(16).fill(3),
    started: now - 5000,
    linkKey: new Uint8Array(32).fill(4),
    nodes: [other.publicKey],
    sequence: 7,
    issued: now,
    expires: now + RECORD_LIFETIME,
    network: "main",
    ...change,
  };
}

async function outcome(signed: SignedBytes, at: number = now): Promise<RecordError | undefined> {
  return (await verifyRecord(signed, { network: "main", now: at })).error;
}

async function outcomeOf(change: Partial<PeerRecord>, at: number = now): Promise<RecordError | undefined> {
  return await outcome(await signRecord(peer, record(change)), at);
}

describe("a signed record", () => {
  it("is given back by whoever verifies it", async () => {
    const signed = await signRecord(peer, record());
    assert.deepEqual(await verifyRecord(signed, { network: "main", now }), { record: record() });
    assert.deepEqual(readRecord(signed), record());
  });

  it("with any bit of body or signature changed is refused", async () => {
    const signed = await signRecord(peer, record());
    const whole = [...signed.body, ...signed.signature];
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Uint8Array.from(whole);
        changed[at]! ^= 1 << bit;
        const body = changed.subarray(0, signed.body.length);
        const signature = changed.subarray(signed.body.length);
        assert.notEqual(await outcome({ body, signature }), undefined);
      }),
      { numRuns: 60 },
    );
  });

  it("cut off or extended is malformed, and elements of a later version are kept in what is signed", async () => {
    const { body, signature } = await signRecord(peer, record());
    assert.equal(await outcome({ body: body.subarray(1), signature }), "malformed");
    assert.equal(await outcome({ body: body.subarray(0, -1), signature }), "malformed");
    assert.equal(await outcome({ body: new Uint8Array([...body, 0]), signature }), "malformed");
    assert.equal(await outcome({ body, signature: signature.subarray(1) }), "malformed");
    assert.equal(await outcome({ body: new Uint8Array([0]), signature }), "malformed");
    const extended = new Uint8Array([...body, 0xf6]);
    extended[0]!++;
    assert.equal(await outcome({ body: extended, signature }), "bad-signature");
    const signed = await peer.sign(encode([Domain.record, extended]));
    assert.equal(await outcome({ body: extended, signature: signed }), undefined);
  });

  it("of another network is refused", async () => {
    assert.equal(await outcomeOf({ network: "test" }), "wrong-network");
  });

  it("lives at most five minutes, and not after its end", async () => {
    assert.equal(await outcomeOf({}, now + RECORD_LIFETIME + CLOCK_SKEW - 1), undefined);
    assert.equal(await outcomeOf({}, now + RECORD_LIFETIME + CLOCK_SKEW), "expired");
    assert.equal(untoldError(record(), now + RECORD_LIFETIME - 1), undefined);
    assert.equal(untoldError(record(), now + RECORD_LIFETIME), "expired");
    assert.equal(await outcomeOf({ expires: now + RECORD_LIFETIME + 1 }), "too-long");
    assert.equal(await outcomeOf({ expires: now }), "malformed");
  });

  it("lies at most three days in the future, and so does the start of its process", async () => {
    const later = now + CLOCK_SKEW;
    assert.equal(await outcomeOf({ issued: later, expires: later + 9 }), undefined);
    assert.equal(await outcomeOf({ issued: later + 1, expires: later + 9 }), "future");
    assert.equal(await outcomeOf({ started: later }), undefined);
    assert.equal(await outcomeOf({ started: later + 1 }), "future");
  });

  it("of which nobody told how long it holds lies at most a minute in the future", () => {
    const early = now - UNTOLD_SKEW;
    assert.equal(untoldError(record({ issued: now, started: now }), early), undefined);
    assert.equal(untoldError(record({ issued: now + 1, started: now }), early), "future");
    assert.equal(untoldError(record({ issued: now, started: now + 1 }), early), "future");
  });

  it("never is told to hold longer than it may live", () => {
    assert.equal(leftOf(now + 1.5, now), 1);
    assert.equal(leftOf(now, now), 0);
    assert.equal(leftOf(now - 1, now), 0);
    assert.equal(leftOf(now + RECORD_LIFETIME + 1, now), RECORD_LIFETIME);
  });

  it("signed by another key, or for another purpose, is refused", async () => {
    const body = encodeRecordBody(record());
    const domains = Object.values(Domain).filter((domain) => domain !== Domain.record);
    const purposes = await Promise.all(domains.map((domain) => peer.sign(encode([domain, body]))));
    const foreign = await other.sign(encode([Domain.record, body]));
    for (const signature of [foreign, await peer.sign(body), ...purposes]) {
      assert.equal(await outcome({ body, signature }), "bad-signature");
    }
  });

  it("of a key of small order, for which any signature would do, is refused", async () => {
    const identityPoint = new Uint8Array(32);
    identityPoint[0] = 1;
    const forger: Identity = {
      id: peer.id,
      publicKey: identityPoint,
      sign: () => Promise.resolve(new Uint8Array(64)),
    };
    const signed = await signRecord(forger, record({ peer: identityPoint }));
    assert.equal(await outcome(signed), "bad-key");
  });

  it("is not made with another identity, or with fields out of bounds", async () => {
    await assert.rejects(signRecord(other, record()), RangeError);
    await assert.rejects(signRecord(peer, record({ instance: new Uint8Array(15) })), RangeError);
    const many = Array<Uint8Array>(MAX_NODES + 1).fill(other.publicKey);
    await assert.rejects(signRecord(peer, record({ nodes: many })), RangeError);
  });
});

describe("the order of records", () => {
  const version = fc.record({
    started: fc.nat(2),
    instance: fc.nat(2).map((byte) => new Uint8Array(16).fill(byte)),
    sequence: fc.nat(2),
  });

  it("is by start, then instance, then sequence", () => {
    const last = record({ sequence: 9 });
    const higher = record({ instance: new Uint8Array(16).fill(4), sequence: 0 });
    const restarted = record({ started: now, instance: new Uint8Array(16), sequence: 0 });
    for (const [a, b] of [[last, record()], [higher, last], [restarted, higher]] as const) {
      assert.ok(compareRecords(a, b) > 0);
      assert.ok(compareRecords(b, a) < 0);
    }
  });

  it("is total and transitive", () => {
    fc.assert(
      fc.property(version, version, version, (x, y, z) => {
        const [a, b, c] = [record(x), record(y), record(z)];
        assert.equal(Math.sign(compareRecords(a, b)) + Math.sign(compareRecords(b, a)), 0);
        if (compareRecords(a, b) >= 0 && compareRecords(b, c) >= 0) assert.ok(compareRecords(a, c) >= 0);
      }),
    );
  });
});
