import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { peerIdBytes } from "../../src/identity/peer_id.ts";
import { Peer } from "../../src/mod.node.ts";
import type { Access } from "../../src/rendezvous/access.ts";
import type { RendezvousNode } from "../../src/rendezvous/node.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import type { Control } from "../../src/wire/protocol.ts";
import { readRecord } from "../../src/wire/record.ts";
import { frameEnd } from "../../src/wire/sequence.ts";
import { meetInMemory, memoryNode, publishOf, settle, stopNodes, type TestPeer } from "./peers.ts";
import { serve } from "./runtime.ts";

/** The frames of the first message to a stranger whose URL asks about these. */
async function firstWords(node: RendezvousNode, sought: string[]): Promise<(Control | undefined)[]> {
  const admission = node.admit((await generateIdentity()).id, "192.0.2.9", undefined, sought);
  if ("status" in admission) assert.fail(admission.text);
  const messages: Uint8Array[] = [];
  const socket = { send: (m: string | Uint8Array) => messages.push(m as Uint8Array), buffered: 0 };
  const handlers = admission.open({ ...socket, close() {}, terminate() {} });
  await settle();
  handlers!.closed(1006, "");
  const [message] = messages;
  const frames: (Control | undefined)[] = [];
  for (let at = 0; at < message!.length; at = frameEnd(message!, at)) {
    frames.push(decodeControl(message!.subarray(at, frameEnd(message!, at))));
  }
  return frames;
}

async function published(node: RendezvousNode): Promise<TestPeer> {
  const identity = await generateIdentity();
  const publish = await publishOf({ identity }, [peerIdBytes(node.id)]);
  return await meetInMemory(node, { identity, early: () => Promise.resolve([publish]) });
}

describe("a stranger whose URL asks where a peer is", () => {
  afterEach(stopNodes);

  it("is told with the hello, as whoever has a session would be", async () => {
    const node = await memoryNode();
    const there = await published(node);
    const [hello, found, ...more] = await firstWords(node, [there.identity.id]);
    assert.equal(hello?.kind, "hello");
    if (found?.kind !== "found" || !found.record) assert.fail("no record");
    assert.deepEqual(readRecord(found.record)!.peer, there.key);
    assert.deepEqual(more, []);
    assert.match(node.metricsText(), /waymeet_lookups_total\{reason="none"\} 1\n/);
  });
  it("is told nothing where not everybody may have a session", async () => {
    for (const kind of ["deny-list", "allow-list"] as const) {
      const peers = new Set<string>();
      const node = await memoryNode({ access: { kind, peers } as unknown as Access });
      const identity = await generateIdentity();
      if (kind === "allow-list") peers.add(identity.id);
      const publish = await publishOf({ identity }, [peerIdBytes(node.id)]);
      const there = await meetInMemory(node, { identity, early: () => Promise.resolve([publish]) });
      assert.ok(there.isReady);
      assert.deepEqual((await firstWords(node, [identity.id])).map((frame) => frame?.kind), ["hello"]);
    }
  });
  it("is told of four at most, and of none that is away or no id", async () => {
    const node = await memoryNode();
    const all = await Promise.all(Array.from({ length: 5 }, () => published(node)));
    const ids = all.map(({ identity }) => identity.id);
    assert.equal((await firstWords(node, ids)).length, 1 + 4);
    const away = (await generateIdentity()).id;
    assert.equal((await firstWords(node, [away, "me", ids[0]!.toUpperCase(), ""])).length, 1);
  });
  it("finds through a server, and its first message leaves with the auth", async () => {
    await using node = await serve({ port: 0, publicMetrics: true });
    const paths = { local: false, direct: false };
    await using there = await Peer.open({ nodes: [node.url], paths });
    const heard = new Promise<string>((resolve) =>
      there.addEventListener("link", async ({ link }) => {
        for await (const message of link) resolve(message.text());
      })
    );
    await using here = await Peer.open({ nodes: [node.url], paths, toward: [there.id], offline: true });
    await here.send(there.id, "hello");
    assert.equal(await heard, "hello");
    const page = await (await fetch(`${node.url.replace("ws", "http")}/metrics`)).text();
    assert.match(page, /waymeet_lookups_total\{reason="none"\} 1\n/); // of the URL, and none after
  });
});
