import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { Reason } from "../../src/wire/protocol.ts";
import { bytes, meetInMemory, memoryNode, settle, stopNodes, type TestPeer, texts, until } from "./peers.ts";

async function company<const N extends number>(count: N, options = {}) {
  const node = await memoryNode(options);
  const peers = await Promise.all(Array.from({ length: count }, () => meetInMemory(node)));
  return { node, peers: peers as TestPeer[] & { length: N } };
}

describe("relay", () => {
  afterEach(stopNodes);

  it("delivers a payload byte for byte with the source's key", async () => {
    const { peers: [a, b] } = await company(2);
    const payload = crypto.getRandomValues(new Uint8Array(40_000));
    a!.send(b!, payload);
    await until(() => b!.heard.length === 1);
    assert.deepEqual(b!.heard[0]!.payload, payload);
    assert.deepEqual(b!.heard[0]!.from, a!.key);
  });

  it("answers a frame for an absent peer with its reason and key", async () => {
    const { node, peers: [a] } = await company(1);
    const nobody = new Uint8Array(32).fill(7);
    a!.send(nobody, bytes("hello?"));
    await until(() => a!.frames.length > 0);
    assert.deepEqual(a!.notices(), [{ kind: "notice", reason: Reason.absent, peer: nobody }]);
    assert.match(node.metricsText(), /frames_dropped_total\{reason="absent"\} 1\n/);
  });

  it("tells an absent peer's sender once per message, not once per frame", async () => {
    const { node, peers: [a] } = await company(1);
    const [nobody, nobodyElse] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)];
    a!.sendAll([nobody, bytes("1")], [nobodyElse, bytes("2")], [nobody, bytes("3")]);
    await until(() => a!.frames.length > 0);
    await settle();
    assert.deepEqual(a!.notices().map(({ peer }) => peer[0]), [7, 8]);
    assert.match(node.metricsText(), /frames_dropped_total\{reason="absent"\} 3\n/);
  });

  it("keeps the order of each pair when a message mixes destinations", async () => {
    const { peers: [a, b, c] } = await company(3);
    const long = "x".repeat(300);
    a!.sendAll([b!, bytes("1")], [c!, bytes("2")], [b!, bytes(`3${long}`)], [b!, bytes("4")], [
      c!,
      bytes("5"),
    ]);
    a!.sendAll([c!, bytes("6")], [b!, bytes("7")]);
    await until(() => b!.heard.length === 4 && c!.heard.length === 3);
    assert.deepEqual(texts(b!.heard), ["1", `3${long}`, "4", "7"]);
    assert.deepEqual(texts(c!.heard), ["2", "5", "6"]);
    assert.ok(b!.messages <= 2, "no more messages leave than came");
    assert.ok([...b!.heard, ...c!.heard].every(({ from }) => from.every((byte, i) => byte === a!.key[i])));
  });

  it("gathers what several send to one peer in a turn into one message", async () => {
    const { node, peers: [a, b, c] } = await company(3);
    for (const n of "123") {
      a!.send(c!, bytes(`a${n}`));
      b!.send(c!, bytes(`b${n}`));
    }
    await until(() => c!.heard.length === 6);
    for (const peer of [a!, b!]) {
      const own = c!.heard.filter(({ from }) => from.every((byte, i) => byte === peer.key[i]));
      assert.deepEqual(texts(own), ["1", "2", "3"].map((n) => `${peer === a ? "a" : "b"}${n}`));
    }
    assert.ok(c!.messages < 6, `${c!.messages} messages`);
    assert.match(node.metricsText(), /waymeet_frames_relayed_total 6\n/);
  });

  it("tells each sender, once, of gathered frames that the peer's socket did not take", async () => {
    const { node, peers: [a, b, c] } = await company(3);
    c!.nodeSocket!.closedWith = 1006; // the runtime has not told yet
    a!.sendAll([c!, bytes("1")], [c!, bytes("2")]);
    b!.send(c!, bytes("3"));
    await until(() => a!.frames.length > 0 && b!.frames.length > 0);
    await settle();
    for (const peer of [a!, b!]) {
      assert.deepEqual(peer.notices().map((notice) => notice.peer), [c!.key]);
    }
    assert.match(node.metricsText(), /waymeet_frames_relayed_total 0\n/);
    assert.match(node.metricsText(), /frames_dropped_total\{reason="queue-full"\} 3\n/);
  });

  it("carries what others send in the same message as an undeliverable frame", async () => {
    const { peers: [a, b] } = await company(2);
    a!.sendAll([b!, bytes("1")], [new Uint8Array(32), bytes("2")], [b!, bytes("3")]);
    await until(() => b!.heard.length === 2);
    assert.deepEqual(texts(b!.heard), ["1", "3"]);
    assert.equal(a!.notices()[0]!.reason, Reason.absent);
  });

  it("lets a peer send to itself", async () => {
    const { peers: [a] } = await company(1);
    a!.send(a!, bytes("note to self"));
    await until(() => a!.heard.length === 1);
    assert.deepEqual(a!.heard[0]!.from, a!.key);
  });

  it("answers a payload over the limit with too-large and relays the next one", async () => {
    const { node, peers: [a, b] } = await company(2, { limits: { payload: 1000 } });
    a!.sendAll(...[999, 1001, 1000].map((size): [TestPeer, Uint8Array] => [b!, new Uint8Array(size)]));
    await until(() => b!.heard.length === 2 && a!.frames.length === 1);
    assert.deepEqual(b!.heard.map(({ payload }) => payload.length), [999, 1000]);
    assert.deepEqual(a!.notices()[0]!.reason, Reason.tooLarge);
    assert.deepEqual(a!.notices()[0]!.peer, b!.key);
    assert.match(node.metricsText(), /waymeet_frames_in_total 3\n/);
    assert.match(node.metricsText(), /waymeet_frames_relayed_total 2\n/);
  });

  it("drops the newest frames for a full queue, says so, and keeps memory bounded", async () => {
    const queue = 200_000;
    const { peers: [a, b] } = await company(2, { limits: { queue } });
    b!.nodeSocket!.stalled = true;
    for (let i = 0; i < 50; i++) a!.send(b!, new Uint8Array(10_000).fill(i));
    await until(() => a!.notices().length >= 50 - queue / 10_000);
    const waiting = b!.nodeSocket!.buffered;
    assert.ok(waiting <= queue, `${waiting} bytes wait`);
    assert.ok(a!.notices().length > 0 && a!.notices().every(({ reason }) => reason === Reason.queueFull));
    assert.deepEqual(a!.notices()[0]!.peer, b!.key);
    b!.nodeSocket!.release();
    await until(() => b!.heard.length + a!.notices().length >= 50);
    assert.deepEqual(
      b!.heard.map(({ payload }) => payload[0]),
      b!.heard.map((_, i) => i),
      "the oldest went out",
    );
    a!.send(b!, bytes("again"));
    await until(() => texts(b!.heard).at(-1) === "again");
  });

  it("leaves room in a queue that one sender filled for another one", async () => {
    const queue = 1_000_000;
    const { peers: [greedy, modest, b] } = await company(3, { limits: { queue } });
    b!.nodeSocket!.stalled = true;
    for (let i = 0; i < 200; i++) greedy!.send(b!, new Uint8Array(10_000));
    await settle();
    assert.ok(b!.nodeSocket!.buffered < 0.6 * queue, `the greedy one holds ${b!.nodeSocket!.buffered}`);
    modest!.send(b!, bytes("excuse me"));
    await settle();
    assert.deepEqual(modest!.notices(), []);
    b!.nodeSocket!.release();
    await until(() => texts(b!.heard).at(-1) === "excuse me");
  });

  it("bounds the bytes of one peer when the operator says so", async () => {
    const { peers: [a, b] } = await company(2, { limits: { bytesPerSecond: 1, byteBurst: 1_048_576 } });
    for (let i = 0; i < 12; i++) a!.send(b!, new Uint8Array(100_000));
    await until(() => b!.heard.length + a!.notices().length === 12);
    assert.equal(b!.heard.length, 10);
    assert.equal(a!.notices()[0]!.reason, Reason.rateLimited);
  });

  it("tells correspondents that a peer left, and nobody else", async () => {
    const { peers: [a, b, c] } = await company(3);
    a!.send(b!, bytes("hello"));
    await until(() => b!.heard.length === 1);
    a!.session.close(Reason.closed);
    await until(() => b!.frames.length > 0);
    assert.deepEqual(b!.notices(), [{ kind: "notice", reason: Reason.gone, peer: a!.key }]);
    b!.send(a!, bytes("still there?"));
    await until(() => b!.frames.length === 2);
    assert.equal(b!.notices()[1]!.reason, Reason.absent);
    assert.deepEqual(c!.frames, []);
  });

  it("forgets the oldest correspondents past the limit", async () => {
    const { peers: [a, b, c, d] } = await company(4, { limits: { correspondents: 2 } });
    for (const other of [b!, c!, d!]) {
      a!.send(other, bytes("hello"));
      await until(() => other.heard.length === 1);
    }
    a!.session.close(Reason.closed);
    await until(() => d!.frames.length > 0);
    await settle();
    assert.deepEqual([b!, c!, d!].map((peer) => peer.notices().length), [0, 1, 1]);
  });
});
