import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { NodeEvent, NodeEventType } from "../../src/rendezvous/events.ts";
import type { RendezvousNode } from "../../src/rendezvous/node.ts";
import { MAX_TEXT } from "../../src/wire/limits.ts";
import { Reason } from "../../src/wire/protocol.ts";
import {
  bytes,
  dialling,
  meetInMemory,
  memoryConnect,
  memoryNode,
  settle,
  stopNodes,
  type TestPeer,
  texts,
  until,
} from "./peers.ts";

const TYPES: NodeEventType[] = ["established", "lost", "failed", "refused", "banned"];

function eventsOf(node: RendezvousNode): NodeEvent[] {
  const events: NodeEvent[] = [];
  for (const type of TYPES) node.addEventListener(type, (event) => events.push(event));
  return events;
}

const summary = (events: NodeEvent[]) => events.map(({ type, reason }) => `${type} ${reason}`);

describe("sessions of a node", () => {
  afterEach(stopNodes);

  it("go on when a listener throws, once or as a promise; one that is removed is not called", async () => {
    const node = await memoryNode();
    let called = 0;
    const removed = () => void called++;
    node.addEventListener("established", () => {
      called++;
      throw new Error("the operator's own");
    });
    node.addEventListener("established", {
      handleEvent() {
        called++;
        return Promise.reject(new Error("the operator's own, later"));
      },
    });
    node.addEventListener("established", removed);
    node.removeEventListener("established", removed);
    const peer = await meetInMemory(node);
    assert.equal(called, 2);
    peer.send(peer, new Uint8Array(1));
    await until(() => peer.heard.length === 1);
  });

  it("are told to the program with peer, address, agent, session and reason", async () => {
    const node = await memoryNode();
    const events = eventsOf(node);
    const peer = await meetInMemory(node, { agent: "test/1 é" });
    const { type, agent, address, session, reason } = events[0]!;
    assert.deepEqual({ type, agent, address, session, reason }, {
      type: "established",
      agent: "test/1 é",
      address: "192.0.2.1",
      session: peer.session.id,
      reason: "none",
    });
    assert.equal(events[0]!.peer, peer.identity.id);
    peer.session.close(Reason.closed, "\u001b[31mbye\n");
    await until(() => events.length === 2);
    assert.equal(events[1]!.type, "lost");
    assert.equal(events[1]!.reason, "closed");
    assert.ok(!/\p{C}/u.test(events[1]!.text), "a stranger's text cannot forge a log line");
    assert.equal(node.sessions, 0);
  });

  it("end in the turn in which the node disconnects a peer", async () => {
    const node = await memoryNode();
    const peer = await meetInMemory(node);
    assert.equal(node.disconnect(peer.identity.id), true);
    assert.equal(node.sessions, 0);
    assert.equal(node.disconnect(peer.identity.id), false);
    await until(() => peer.end !== undefined);
    assert.equal(peer.end!.reason, Reason.disconnected);
  });

  it("of a banned peer end, and it is refused with the ban's reason until that is over", async () => {
    const node = await memoryNode();
    const events = eventsOf(node);
    const { identity } = await meetInMemory(node);
    node.ban(identity.id, "too loud", 60);
    await until(() => events.length === 3);
    assert.deepEqual(summary(events), ["established none", "banned banned", "lost banned"]);
    const again = await meetInMemory(node, { identity });
    assert.equal(again.end!.reason, Reason.banned);
    assert.match(again.end!.text, /too loud, until 20/);
    assert.equal(node.unban(identity.id), true);
    assert.ok((await meetInMemory(node, { identity })).isReady);
    node.ban(identity.id, "an instant", 0);
    assert.ok((await meetInMemory(node, { identity })).isReady, "that ban is over");
  });

  it("never exceed the limit, however many handshakes end at once", async () => {
    const node = await memoryNode({ limits: { sessions: 5 }, nodes: ["wss://other.example"] });
    let most = 0;
    node.addEventListener("established", () => most = Math.max(most, node.sessions));
    const peers = await Promise.all(Array.from({ length: 25 }, () => meetInMemory(node)));
    await until(() => peers.filter((peer) => peer.end !== undefined).length === 20);
    assert.equal(most, 5);
    assert.equal(node.sessions, 5);
    assert.equal(node.handshakes, 0);
    const turnedAway = peers.filter((peer) => peer.end !== undefined);
    for (const { isReady, end } of turnedAway) {
      assert.ok(isReady, "the handshake was completed, so the word is the node's own");
      assert.equal(end!.reason, Reason.overCapacity);
      assert.deepEqual(end!.nodes, ["wss://other.example"]);
    }
    peers.find((peer) => peer.end === undefined)!.session.close(Reason.closed);
    await until(() => node.sessions === 4);
    assert.ok((await meetInMemory(node)).isReady);
    assert.equal(node.sessions, 5);
  });

  it("never begin past the limit of handshakes, and each place is free again", async () => {
    const node = await memoryNode({ limits: { handshakes: 3 } });
    const peers = await Promise.all(
      Array.from({ length: 10 }, () => dialling("ws://127.0.0.1", memoryConnect(node))),
    );
    let most = 0;
    await until(() => {
      most = Math.max(most, node.handshakes);
      return peers.every((peer) => peer.isReady || peer.end !== undefined);
    });
    assert.ok(most <= 3);
    assert.equal(peers.filter((peer) => peer.isReady).length, 3);
    assert.equal(node.handshakes, 0);
    const refused = node.admit((await generateIdentity()).id, "");
    assert.ok(!("status" in refused));
    refused.release();
    refused.release();
    assert.equal(node.handshakes, 0, "released once");
  });

  it("give a place back when the adapter never opens the socket, and refuse it then", async () => {
    let run = () => {};
    const clock = {
      now: () => 0,
      wall: () => 0,
      after: (_: number, then: () => void) => (run = then, () => {}),
    };
    const node = await memoryNode({ clock });
    const admission = node.admit((await generateIdentity()).id, "");
    assert.ok(!("status" in admission));
    assert.equal(node.handshakes, 1);
    run();
    assert.equal(node.handshakes, 0);
    assert.equal(admission.open({ send: () => 0, buffered: 0, close() {}, terminate() {} }), undefined);
  });

  it("that fail the handshake are told as failed, with the reason", async () => {
    const node = await memoryNode({ network: "blue" });
    const events = eventsOf(node);
    const peer = await dialling("ws://127.0.0.1", memoryConnect(node), { network: "red" });
    await until(() => peer.end !== undefined && events.length > 0);
    assert.equal(peer.end!.reason, Reason.wrongNetwork);
    assert.equal(events[0]!.type, "failed");
    assert.equal(node.handshakes, 0);
    assert.match(node.metricsText(), /handshake_failures_total\{reason="[a-z-]+"\} 1\n/);
  });

  it("of a hostile stranger end with a coded close while others go on", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    for (
      const garbage of [bytes("garbage"), new Uint8Array(0), new Uint8Array([0x83, 0, 0x58, 0x20, 1]), "text"]
    ) {
      const hostile = await meetInMemory(node);
      hostile.nodeSocket!.other.send(garbage);
      await until(() => hostile.end !== undefined);
      assert.equal(hostile.end!.reason, Reason.protocolError);
    }
    a.send(b, bytes("undisturbed"));
    await until(() => b.heard.length === 1);
    assert.equal(node.sessions, 2);
  });

  it("are not for nodes, which belong to the mesh", async () => {
    const node = await memoryNode();
    const peer = await meetInMemory(node, { role: 1 });
    assert.equal(peer.end!.reason, Reason.unauthorized);
  });

  it("refuse an agent that is too long or forges lines", async () => {
    const node = await memoryNode();
    const peer = await meetInMemory(node, { agent: `x\n${"y".repeat(MAX_TEXT - 2)}` });
    assert.equal(peer.end!.reason, Reason.protocolError);
  });
});

describe("a peer that comes back", () => {
  afterEach(stopNodes);

  const instance = (byte: number) => new Uint8Array(16).fill(byte);

  it("as the same process replaces its older session silently and keeps its place", async () => {
    const node = await memoryNode();
    const [older, friend] = [
      await meetInMemory(node, { instance: instance(1), started: 5 }),
      await meetInMemory(node),
    ];
    friend.send(older, bytes("one"));
    await until(() => older.heard.length === 1);
    const newer = await meetInMemory(node, { identity: older.identity, instance: instance(1), started: 5 });
    assert.equal(node.sessions, 2);
    friend.send(newer, bytes("two"));
    await until(() => newer.heard.length === 1 && older.end !== undefined);
    assert.equal(older.end!.reason, Reason.replaced);
    await settle();
    assert.equal(node.sessions, 2, "the older session's end takes no entry away");
    assert.deepEqual(friend.frames, [], "nobody was told that it left");
    friend.session.close(Reason.closed);
    await until(() => newer.frames.length > 0);
    assert.equal(newer.notices()[0]!.reason, Reason.gone, "correspondents are those of the place");
  });

  it("as a newer process takes the older one's place, which is told so", async () => {
    const node = await memoryNode({ limits: { sessions: 2 } });
    const [older, friend] = [
      await meetInMemory(node, { instance: instance(9), started: 5 }),
      await meetInMemory(node),
    ];
    friend.send(older, bytes("one"));
    await until(() => older.heard.length === 1);
    const newer = await meetInMemory(node, { identity: older.identity, instance: instance(1), started: 6 });
    await until(() => older.end !== undefined);
    assert.equal(older.end!.reason, Reason.replaced);
    assert.ok(newer.isReady && newer.end === undefined, "also when the node is full");
    assert.equal(friend.notices()[0]!.reason, Reason.gone);
    friend.send(newer, bytes("two"));
    await until(() => newer.heard.length === 1);
    assert.equal(node.sessions, 2);
  });

  it("as an older process is refused with replaced", async () => {
    const node = await memoryNode();
    const events = eventsOf(node);
    const newer = await meetInMemory(node, { instance: instance(1), started: 6 });
    const older = await meetInMemory(node, { identity: newer.identity, instance: instance(9), started: 5 });
    await until(() => older.end !== undefined);
    assert.equal(older.end!.reason, Reason.replaced);
    newer.send(newer, bytes("still here"));
    await until(() => newer.heard.length === 1);
    await until(() => events.length === 2);
    assert.deepEqual(summary(events), ["established none", "refused replaced"]);
  });

  it("is there at every moment while its sessions replace each other", async () => {
    const node = await memoryNode();
    const friend = await meetInMemory(node);
    let peer = await meetInMemory(node, { instance: instance(1), started: 5 });
    const all: TestPeer[] = [peer];
    const sending = setInterval(() => friend.send(peer, bytes("?")), 1);
    for (let i = 0; i < 10; i++) {
      peer = await meetInMemory(node, { identity: peer.identity, instance: instance(1), started: 5 });
      all.push(peer);
    }
    clearInterval(sending);
    await settle();
    assert.ok(friend.notices().every(({ reason }) => reason !== Reason.absent));
    assert.ok(all.some(({ heard }) => texts(heard).includes("?")));
    assert.equal(node.sessions, 2);
  });
});

describe("a node that drains", () => {
  afterEach(stopNodes);

  it("says goodbye to all, names other nodes, and takes nobody new", async () => {
    const node = await memoryNode({ nodes: ["wss://other.example"] });
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const drained = node.drain();
    const refusal = node.admit(a.identity.id, "");
    assert.deepEqual("status" in refusal && [refusal.status, refusal.reason], [503, Reason.draining]);
    assert.equal(await drained, true);
    await until(() => a.end !== undefined && b.end !== undefined);
    for (const { end } of [a, b]) {
      assert.equal(end!.reason, Reason.draining);
      assert.deepEqual(end!.nodes, ["wss://other.example"]);
    }
    assert.equal(node.sessions, 0);
    assert.equal((await node.app.request("/readyz")).status, 503);
    assert.equal((await node.app.request("/healthz")).status, 200);
  });

  it("lets a queue run empty before the goodbye", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    b.nodeSocket!.stalled = true;
    a.send(b, bytes("last words"));
    await settle();
    const drained = node.drain();
    await settle();
    assert.equal(b.end, undefined);
    b.nodeSocket!.release();
    assert.equal(await drained, true);
    await until(() => b.end !== undefined);
    assert.deepEqual(texts(b.heard), ["last words"]);
    assert.equal(b.end!.reason, Reason.draining);
  });

  it("does not wait for a peer that never reads longer than its grace", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    b.nodeSocket!.stalled = true;
    a.send(b, bytes("into the void"));
    await settle();
    const start = performance.now();
    await node.drain(300);
    assert.ok(performance.now() - start < 2000);
  });
});
