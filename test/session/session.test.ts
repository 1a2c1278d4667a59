import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Session } from "../../src/session/session.ts";
import { dataPayload, encodeData, setPeer } from "../../src/wire/data_frame.ts";
import { encodeForward } from "../../src/wire/forward_frame.ts";
import {
  decodeControl,
  encodeBye,
  encodeHello,
  encodeLookup,
  encodeNotice,
  encodeProbe,
} from "../../src/wire/frames.ts";
import { MAX_BATCH, MAX_MESSAGE } from "../../src/wire/limits.ts";
import { Reason, VERSION } from "../../src/wire/protocol.ts";
import { concatFrames, splitFrames } from "../../src/wire/sequence.ts";
import { Log, meet, type Meeting, node, otherPeer, peer, ready } from "./meeting.ts";
import { frames } from "./stranger.ts";
import { settle } from "./virtual_clock.ts";

const data = (n: number, size = 1) => encodeData(otherPeer.publicKey, new Uint8Array(size).fill(n));

/** A meeting whose first ping has been answered, and what the dialer sends from then on. */
async function quiet(...options: Parameters<typeof ready>): Promise<Meeting & { said(): Uint8Array[] }> {
  const meeting = await ready(...options);
  await settle();
  const from = meeting.near.sent.length;
  return Object.assign(meeting, { said: () => meeting.near.sent.slice(from) as Uint8Array[] });
}

describe("what a session sends", () => {
  it("leaves once per turn, all frames in one message and in order", async () => {
    const { dialer, accepted, said } = await quiet();
    for (let n = 0; n < 5; n++) dialer.send(data(n));
    assert.equal(said().length, 0);
    await settle();
    assert.equal(said().length, 1);
    assert.deepEqual(accepted.frames, [0, 1, 2, 3, 4].map((n) => data(n)));
    assert.equal(accepted.messages, 2); // the first ping, and these
  });

  it("keeps to the largest batch and the largest message", async () => {
    const { dialer, accepted, said } = await quiet();
    for (let n = 0; n < 2 * MAX_BATCH + 1; n++) dialer.send(data(n & 255));
    for (let n = 0; n < 60; n++) dialer.send(data(n, 20_000));
    await settle();
    assert.equal(accepted.frames.length, 2 * MAX_BATCH + 61);
    assert(said().every((message) => message.length <= MAX_MESSAGE));
    assert(said().every((message) => splitFrames(message)!.length <= MAX_BATCH));
    assert.equal(said().length, 4);
    assert.throws(() => dialer.send(new Uint8Array(MAX_MESSAGE + 1)), RangeError);
  });

  it("does not wait with a long frame, which leaves alone and in its place", async () => {
    const { dialer, accepted, said } = await quiet();
    const frames = [data(1), data(2), data(3, 60_000), data(4), data(5, 60_000)];
    for (const frame of frames) dialer.send(frame);
    assert.deepEqual(said().map((message) => splitFrames(message)!.length), [2, 1, 1, 1]);
    await settle();
    assert.deepEqual(accepted.frames, frames);
  });

  it("keeps its order when a finished batch goes at once", async () => {
    const { dialer, accepted } = await quiet();
    dialer.send(data(1));
    assert.equal(dialer.sendBatch(concatFrames([data(2), data(3)])), 0);
    dialer.send(data(4));
    await settle();
    assert.deepEqual(accepted.frames.map((frame) => frame.at(-1)), [1, 2, 3, 4]);
  });

  it("counts what waits, and is -1 when the session is not ready", async () => {
    const { dialer, acceptor, near } = await quiet();
    near.buffered = 1_000;
    assert.equal(dialer.send(data(1)), 1_000 + data(1).length);
    assert.equal(dialer.buffered, 1_000);
    dialer.close(Reason.closed);
    assert.deepEqual([dialer.send(data(1)), dialer.sendBatch(data(1))], [-1, -1]);
    await settle();
    assert.deepEqual([acceptor.send(data(1)), acceptor.sendBatch(data(1))], [-1, -1]);
  });

  it("precedes the bye of a close in the same turn", async () => {
    const { dialer, accepted } = await quiet();
    dialer.send(data(1));
    dialer.close(Reason.closed);
    await settle();
    assert.deepEqual(accepted.told, ["ready", "data", "closed"]);
  });
});

describe("what a session hears", () => {
  it("reaches its owner frame by frame, then the end of the message", async () => {
    const { near, accepted } = await quiet();
    const lookup = encodeLookup(7, otherPeer.publicKey);
    const unknown = new Uint8Array([0x82, 0x19, 0x04, 0x00, 0x01]); // [1024, 1]
    near.send(concatFrames([data(1), unknown, lookup, data(2)]));
    await settle();
    assert.deepEqual(accepted.told, ["ready", "data", "lookup", "data"]);
    assert.deepEqual(accepted.controls, [{ kind: "lookup", request: 7, peer: otherPeer.publicKey }]);
  });

  it("is of the frames between nodes what the dialer can decode: nothing unless it is a node", async () => {
    for (const [decode, heard] of [[undefined, []], [decodeControl, ["probe"]]] as const) {
      const { dialer, acceptor, dialed } = await ready({ decode });
      acceptor.send(encodeProbe(7, otherPeer.publicKey));
      await settle();
      assert.deepEqual(dialed.controls.map(({ kind }) => kind), heard);
      assert.equal(dialer.state, "ready");
    }
  });

  it("may be overwritten in place by its owner", async () => {
    const relayed: Uint8Array[] = [];
    const accepted = new (class extends Log {
      override data(session: Session, message: Uint8Array, start: number, end: number): void {
        setPeer(message, start, session.remoteKey);
        message.fill(0xff, start, start + 4); // even the head
        relayed.push(dataPayload(message, start, end).slice());
      }
    })();
    const { near, acceptor } = await quiet({}, { handlers: accepted });
    near.send(concatFrames([data(1, 3), data(2, 300), data(3, 70_000)]));
    await settle();
    assert.deepEqual(relayed.map((payload) => payload.length), [3, 300, 70_000]);
    assert.equal(acceptor.state, "ready");
  });

  it("is refused as a whole when any frame of the message is malformed", async () => {
    for (const tail of [[0xff], [0x83, 0x00, 0x58, 0x20], [0x81], [0xc1, 0x00], [0x9f, 0x06, 0xff]]) {
      const { near, accepted, far } = await quiet();
      near.send(concatFrames([data(1), new Uint8Array(tail)]));
      await settle();
      assert.deepEqual(accepted.told, ["ready", "closed"]);
      assert.equal(accepted.end?.reason, Reason.protocolError);
      assert.equal(frames(far).at(-1)?.kind, "bye");
      assert.equal(far.closedWith?.code, 4000 + Reason.protocolError);
    }
  });

  it("may be no second handshake, no empty message and no text", async () => {
    const hello = encodeHello({
      version: VERSION,
      node: node.publicKey,
      network: "test",
      challenge: new Uint8Array(32),
      time: 0,
      features: [],
    });
    for (const strange of [hello, new Uint8Array(), "ping", new Uint8Array(MAX_MESSAGE + 1)]) {
      const { near, accepted } = await quiet();
      near.send(strange);
      await settle();
      assert.equal(accepted.end?.reason, Reason.protocolError);
    }
  });

  it("between nodes may be forward frames; without a handler for them they are ignored", async () => {
    const frame = encodeForward(3, peer.publicKey, otherPeer.publicKey, new Uint8Array(5));
    const forwarded: number[][] = [];
    const log = Object.assign(new Log(), {
      forward: (_: Session, __: Uint8Array, start: number, end: number) => forwarded.push([start, end]),
    });
    const a = await quiet({}, { handlers: log });
    a.near.send(concatFrames([data(1), frame]));
    const b = await quiet();
    b.near.send(concatFrames([frame, data(1)]));
    await settle();
    assert.deepEqual(forwarded, [[data(1).length, data(1).length + frame.length]]);
    assert.deepEqual(b.accepted.told, ["ready", "data"]);
  });

  it("ends with a bye; what stands behind it is not processed, its sender's reason and nodes are told", async () => {
    const { far, dialed, dialer } = await quiet();
    const bye = encodeBye(Reason.draining, "restart", ["wss://b.example.org"]);
    far.send(concatFrames([encodeNotice(Reason.absent, otherPeer.publicKey), bye, data(1)]));
    await settle();
    assert.deepEqual(dialed.told, ["ready", "notice", "closed"]);
    assert.deepEqual(dialed.end, {
      reason: Reason.draining,
      text: "restart",
      nodes: ["wss://b.example.org"],
      by: "remote",
      wasReady: true,
    });
    assert.equal(dialer.state, "closed");
  });
});

describe("the end of a session", () => {
  it("is told to both, once, with the same reason and who did it", async () => {
    const { acceptor, dialed, accepted, near, far, clock } = await quiet();
    acceptor.close(Reason.replaced, "a newer one came");
    acceptor.close(Reason.banned);
    assert.equal(acceptor.state, "draining");
    await settle();
    assert.equal(far.closedWith?.code, 4000 + Reason.replaced);
    assert.deepEqual(dialed.ends.map((e) => [e.reason, e.text, e.by]), [[3, "a newer one came", "remote"]]);
    assert.deepEqual(accepted.ends.map((e) => [e.reason, e.text, e.by]), [[3, "a newer one came", "local"]]);
    near.handlers?.message(data(1)); // late, from a careless socket
    near.handlers?.closed(1000, "");
    near.handlers?.drain?.();
    assert.equal(dialed.told.length, 2);
    await clock.advance(100_000);
    assert.equal(clock.timers, 0);
  });

  it("by the network alone has no reason but names the code", async () => {
    const { near, dialed, accepted } = await quiet();
    near.terminate();
    await settle();
    for (const { end } of [dialed, accepted]) {
      assert.deepEqual([end?.by, end?.reason, end?.text], [
        "network",
        Reason.closed,
        "the connection was lost (1006)",
      ]);
    }
  });

  it("throws at nodes that are no URLs and goes on", async () => {
    const { acceptor, far } = await quiet();
    assert.throws(() => acceptor.close(Reason.draining, "", ["not a url"]), RangeError);
    assert.equal(acceptor.state, "ready");
    acceptor.close(Reason.draining, "é".repeat(300)); // cut, not refused
    assert(new TextEncoder().encode(far.closedWith?.reason).length <= 123);
  });

  it("comes when the owner's code throws, with a report, and everybody else's frames still leave", async () => {
    for (const name of ["ready", "data", "control", "endOfMessage", "drain"] as const) {
      const log = new (class extends Log {})();
      log[name] = () => {
        throw new Error(`bug in ${name}`);
      };
      let ends = 0;
      if (name !== "endOfMessage") log.endOfMessage = () => void ends++;
      const onError = (error: unknown) => void log.errors.push(error);
      const { near, far, acceptor, clock } = await meet({}, { handlers: log, onError });
      near.send(concatFrames([data(1), encodeLookup(1, otherPeer.publicKey)]));
      await settle();
      far.handlers?.drain?.();
      await settle();
      assert.equal(acceptor.state, "closed", name);
      assert.deepEqual(log.errors.map(String), [`Error: bug in ${name}`]);
      assert.equal(log.end?.reason, Reason.internalError);
      if (name === "data") assert(ends >= 2);
      assert.equal(clock.timers, 0);
    }
  });

  it("is survived by a handler of the end that throws, and a report that throws", async () => {
    const log = new (class extends Log {})();
    let ends = 0;
    log.closed = () => {
      ends++;
      throw new Error("bug");
    };
    const onError = () => {
      throw new Error("bug in the report");
    };
    const { dialer, acceptor } = await quiet({}, { handlers: log, onError });
    dialer.close(Reason.closed);
    await settle();
    assert.deepEqual([acceptor.state, ends], ["closed", 1]);
  });
});
