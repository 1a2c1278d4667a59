import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dialSession } from "../../src/session/dial.ts";
import type { Session } from "../../src/session/session.ts";
import { sessionUrl } from "../../src/session/session_url.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { decodeControl, encodePublish } from "../../src/wire/frames.ts";
import { Liveness, Reason, Role, VERSION } from "../../src/wire/protocol.ts";
import { splitFrames } from "../../src/wire/sequence.ts";
import { dialing, HOST, Log, meet, node, otherNode, otherPeer, peer, ready } from "./meeting.ts";
import { settle, until, VirtualClock } from "./virtual_clock.ts";

/** Real signatures instead of instant ones. */
const REAL = { sign: undefined, verify: undefined };

describe("the session handshake", () => {
  it("makes both sides ready, each knowing the other's proven key", async () => {
    const { dialer, acceptor, dialed, accepted } = await meet(REAL, REAL);
    await until(() => dialed.ready_.length === 1 && accepted.ready_.length === 1, "both to be ready");
    assert.deepEqual([dialer.state, acceptor.state], ["ready", "ready"]);
    assert.deepEqual([dialer.remote, acceptor.remote], [node.id, peer.id]);
    assert.deepEqual([dialer.remoteKey, acceptor.remoteKey], [node.publicKey, peer.publicKey]);
    assert.match(dialer.id, /^[0-9a-f]{32}$/);
    assert.equal(dialer.id, acceptor.id);
  });

  it("tells each side what the other said", async () => {
    const offer = { nodes: ["wss://b.example"], stun: ["stun:b.example"], features: ["x"] };
    const { dialer, acceptor } = await ready(
      { token: "secret", features: ["f"], role: Role.node },
      { welcome: () => offer, maxPayload: 1_000, maxQueue: 5_000, interval: 20_000, features: ["h"] },
    );
    assert.equal(dialer.hello?.version, VERSION);
    assert.equal(dialer.hello?.time, VirtualClock.EPOCH);
    assert.deepEqual(dialer.hello?.features, ["h"]);
    const { session: _, ...welcome } = dialer.welcome!;
    assert.deepEqual(welcome, {
      liveness: Liveness.nonce,
      interval: 20_000,
      address: "192.0.2.7:4711",
      maxPayload: 1_000,
      maxQueue: 5_000,
      ...offer,
    });
    assert.equal(acceptor.auth?.agent, "waymeet-test/1.0");
    assert.equal(acceptor.auth?.role, Role.node);
    assert.equal(acceptor.auth?.host, HOST);
  });

  it("shows the token to authorize and forgets it afterwards", async () => {
    const seen: unknown[] = [];
    const { acceptor } = await ready({ token: () => Promise.resolve("secret") }, {
      authorize: (auth, session) => {
        seen.push(auth.token, session.state);
        return { ok: true };
      },
    });
    assert.deepEqual(seen, ["secret", "authenticating"]);
    assert.equal(acceptor.auth?.token, null);
  });

  it("takes two messages from the dialer's first byte to ready: one each way", async () => {
    const { near, far } = await ready({ early: () => [encodeData(node.publicKey, new Uint8Array(3))] });
    assert.equal(splitFrames(near.sent[0] as Uint8Array)?.length, 2); // auth and data
    const kinds = far.sent.slice(0, 2).map((message) =>
      decodeControl(splitFrames(message as Uint8Array)![0]!)?.kind
    );
    assert.deepEqual(kinds, ["hello", "welcome"]);
  });

  it("leaves one timer for each side's pings and none after the close", async () => {
    const { clock, dialer } = await ready();
    assert.equal(clock.timers, 2);
    dialer.close(Reason.closed);
    await settle();
    assert.equal(clock.timers, 0);
  });

  it("hands what came with auth, and frames the node sent with its welcome, over after ready", async () => {
    const record = { body: new Uint8Array(9), signature: new Uint8Array(64) };
    const frame = encodeData(node.publicKey, new Uint8Array([1]));
    const accepted = new (class extends Log {
      override ready(session: Session): void {
        super.ready(session);
        session.send(encodeData(peer.publicKey, new Uint8Array([2])));
      }
    })();
    const early = () => Promise.resolve([encodePublish(record), frame]);
    const { dialed } = await ready({ early }, { handlers: accepted });
    assert.deepEqual(accepted.told, ["ready", "publish", "data"]);
    assert.deepEqual(accepted.frames, [frame]);
    assert.deepEqual(dialed.told, ["ready", "data"]);
  });
});

describe("a dialer", () => {
  it("leaves a node of another network", async () => {
    const { dialed, accepted, near } = await meet({}, { network: "other" });
    assert.equal(dialed.end?.reason, Reason.wrongNetwork);
    assert.equal(dialed.end?.by, "local");
    assert.equal(near.closedWith?.code, 4000 + Reason.wrongNetwork);
    assert.deepEqual([accepted.end?.reason, accepted.end?.by], [Reason.wrongNetwork, "remote"]); // from the close code
    assert.equal(near.sent.length, 0);
  });

  it("leaves a node that is not the one it expects", async () => {
    const { dialed, near } = await meet({ expectNode: otherNode.id });
    assert.equal(dialed.end?.reason, Reason.wrongId);
    assert.equal(near.sent.length, 0);
    assert.equal((await meet({ expectNode: node.id })).dialer.state, "ready");
  });

  it("refuses a welcome that the node of the hello did not sign", async () => {
    const { dialed } = await meet(REAL, { ...REAL, sign: (bytes) => otherNode.sign(bytes) });
    await until(() => dialed.ends.length > 0, "the end");
    assert.equal(dialed.end?.reason, Reason.badSignature);
    assert.deepEqual(dialed.told, ["closed"]);
  });

  it("refuses a node whose key is of small order, which would verify anything", async () => {
    const small = { ...node, publicKey: new Uint8Array(32).fill(0, 1).fill(1, 0, 1), sign: node.sign };
    const { dialed, near } = await meet(REAL, { ...REAL, identity: small });
    await until(() => dialed.ends.length > 0, "the end");
    assert.equal(dialed.end?.reason, Reason.badSignature);
    assert.equal(near.sent.length, 0);
  });

  it("ends with internalError and a report when its token cannot be had", async () => {
    const { dialed } = await meet({ token: () => Promise.reject(new Error("no token")) });
    assert.equal(dialed.end?.reason, Reason.internalError);
    assert.match(`${dialed.errors[0]}`, /no token/);
  });

  it("never puts more behind auth than a node would take", async () => {
    const { dialed, near } = await meet({ early: () => [new Uint8Array(65_537)] });
    assert.equal(dialed.end?.reason, Reason.internalError);
    assert.match(`${dialed.errors[0]}`, /at most 65536 bytes in 255 frames may go with auth/);
    assert.equal(near.sent.length, 0);
  });

  it("closed before its turn is over never connects, and still says closed once", async () => {
    const [clock, log] = [new VirtualClock(), new Log()];
    const connect = () => assert.fail("connected");
    const session = dialSession({ ...dialing(clock, log), connect });
    session.close(Reason.closed, "changed my mind");
    assert.equal(log.ends.length, 0);
    await settle();
    assert.deepEqual(log.ends.map((end) => [end.reason, end.text, end.by]), [[
      1,
      "changed my mind",
      "local",
    ]]);
    assert.equal(clock.timers, 0);
  });

  it("is told when nobody listens", async () => {
    const log = new Log();
    const connect = (_: string, ears: { closed(code: number, reason: string): void }) => {
      ears.closed(1006, "connection refused"); // at once, as some runtimes do
      return { send: () => -1, buffered: 0, close() {}, terminate() {} };
    };
    const session = dialSession({ ...dialing(new VirtualClock(), log), connect });
    await settle();
    assert.equal(session.state, "closed");
    const { by, text, wasReady } = log.end!;
    assert.deepEqual([by, text, wasReady], ["network", "connection refused (1006)", false]);
  });

  it("throws what its caller did wrong, saying what to do", () => {
    const dial = (more: object) => () =>
      dialSession({ ...dialing(new VirtualClock(), new Log(), more), connect: () => assert.fail() });
    assert.throws(dial({ url: "ws://meet.example.org" }), /use wss:\/\/meet\.example\.org/);
    assert.throws(dial({ url: "https://meet.example.org" }), TypeError);
    assert.throws(dial({ agent: "a".repeat(257) }), RangeError);
    assert.throws(dial({ instance: new Uint8Array(15) }), RangeError);
  });
});

describe("a session's URL", () => {
  it("ends in the dialer's id, keeps a prefix, and names the host as dialled", () => {
    const id = otherPeer.id;
    assert.deepEqual(sessionUrl("wss://Meet.Example.org:443/a/", id), {
      url: `wss://meet.example.org/a/v1/connect/${id}`,
      host: "meet.example.org",
    });
    assert.equal(sessionUrl("wss://meet.example.org:8443", id).host, "meet.example.org:8443");
  });

  it("may be unencrypted on loopback only, unless the caller says insecure", () => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "a.localhost"]) {
      assert.equal(sessionUrl(`ws://${host}:1`, peer.id).host, `${host}:1`);
    }
    for (const host of ["10.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "[::2]"]) {
      assert.throws(() => sessionUrl(`ws://${host}`, peer.id), TypeError);
      assert.equal(sessionUrl(`ws://${host}`, peer.id, true).host, host);
    }
  });
});
