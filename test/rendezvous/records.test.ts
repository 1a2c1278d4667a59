import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { peerIdBytes } from "../../src/identity/peer_id.ts";
import type { RendezvousNode } from "../../src/rendezvous/node.ts";
import { encodeLookup } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { readRecord } from "../../src/wire/record.ts";
import { meetInMemory, memoryNode, publishOf, settle, stopNodes, type TestPeer, until } from "./peers.ts";

async function ask(asker: TestPeer, about: TestPeer): Promise<{ reason: number; sequence?: number }> {
  const before = asker.found().length;
  asker.session.send(encodeLookup(before, about.key));
  await until(() => asker.found().length > before);
  const { request, reason, record } = asker.found()[before]!;
  assert.equal(request, before);
  return { reason, sequence: record ? readRecord(record)!.sequence : undefined };
}

const key = (node: RendezvousNode) => peerIdBytes(node.id);

describe("records", () => {
  afterEach(stopNodes);

  it("are found by who looks them up, as they were signed", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    assert.deepEqual(await ask(a, b), { reason: Reason.absent, sequence: undefined });
    b.session.send(await publishOf(b, [key(node)], { sequence: 7 }));
    await settle();
    assert.deepEqual(await ask(a, b), { reason: Reason.none, sequence: 7 });
    assert.match(node.metricsText(), /waymeet_lookups_total\{reason="none"\} 1\n/);
  });

  it("that come with the auth are there for a lookup that overtakes their verification", async () => {
    const node = await memoryNode();
    const [a, identity] = [await meetInMemory(node), await generateIdentity()];
    const publish = await publishOf({ identity }, [key(node)]);
    const b = await meetInMemory(node, { identity, early: () => Promise.resolve([publish]) });
    a.session.send(encodeLookup(1, b.key));
    await until(() => a.found().length === 1);
    assert.equal(a.found()[0]!.reason, Reason.none);
  });

  it("are waited for while they are verified", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const publish = await publishOf(b, [key(node)]);
    b.nodeSocket!.handlers!.message(publish);
    a.nodeSocket!.handlers!.message(encodeLookup(1, b.key));
    await until(() => a.found().length === 1);
    assert.equal(a.found()[0]!.reason, Reason.none);
  });

  it("are kept only when genuine, newer, of that peer, timely and of this node", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const at = [key(node)];
    b.session.send(await publishOf(b, at, { sequence: 5, started: 5 }));
    const forged = (await publishOf(b, at, { sequence: 9, started: 5 })).slice();
    forged[forged.length - 1]! ^= 1;
    const bad = [
      forged,
      await publishOf(b, at, { sequence: 5, started: 5 }),
      await publishOf(b, at, { sequence: 4, started: 5 }),
      await publishOf(b, [new Uint8Array(32).fill(3)], { sequence: 9 }),
      await publishOf(b, at, { sequence: 9, network: "other" }),
      await publishOf(b, at, { sequence: 9, issued: 1, expires: 2 }),
      await publishOf(a, at, { sequence: 9 }),
    ];
    for (const publish of bad) {
      b.session.send(publish);
      await settle();
    }
    assert.deepEqual(await ask(a, b), { reason: Reason.none, sequence: 5 });
    assert.equal((await ask(b, a)).reason, Reason.absent);
    const refused = node.exposition().families.find(({ name }) => name === "records_refused_total")!.samples;
    assert.equal(refused.reduce((sum, { value }) => sum + value, 0), bad.length);
    assert.deepEqual(
      refused.map(({ labels }) => labels["reason"]).sort(),
      [
        "bad-signature",
        "does not name this node",
        "expired",
        "not newer",
        "of another peer",
        "wrong-network",
      ],
    );
    b.session.send(await publishOf(b, at, { sequence: 6, started: 5 }));
    await settle();
    assert.equal((await ask(a, b)).sequence, 6);
  });

  it("of which the newest wins, in whatever order their verification ends", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const publishes = [3, 1, 2].map((sequence) => publishOf(b, [key(node)], { sequence, started: 5 }));
    for (const publish of await Promise.all(publishes)) b.session.send(publish);
    await settle();
    assert.equal((await ask(a, b)).sequence, 3);
  });

  it("are gone with their peer, and who looked it up is told", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    b.session.send(await publishOf(b, [key(node)]));
    await settle();
    await ask(a, b);
    node.disconnect(b.identity.id);
    await until(() => a.notices().length === 1);
    assert.deepEqual(a.notices()[0], { kind: "notice", reason: Reason.gone, peer: b.key });
    assert.equal((await ask(a, b)).reason, Reason.absent);
    assert.deepEqual(b.notices(), [], "who was looked up does not learn by whom");
  });

  it("are no longer told once they expired", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    b.session.send(await publishOf(b, [key(node)], { expires: Date.now() + 150 }));
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await ask(a, b)).reason, Reason.absent);
  });

  it("may not be looked up without end", async () => {
    const node = await memoryNode({ limits: { lookupBurst: 3, lookupsPerSecond: 1 } });
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const reasons: number[] = [];
    for (let i = 0; i < 4; i++) reasons.push((await ask(a, b)).reason);
    assert.deepEqual(reasons, [Reason.absent, Reason.absent, Reason.absent, Reason.rateLimited]);
    assert.equal((await ask(b, a)).reason, Reason.absent, "each peer has its own rate");
  });
});
