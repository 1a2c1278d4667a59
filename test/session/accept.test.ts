import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AcceptOptions, acceptSession } from "../../src/session/accept.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import {
  authSigned,
  encodeAuth,
  encodeAuthBody,
  encodeBye,
  encodePing,
  welcomeSigned,
} from "../../src/wire/frames.ts";
import { MAX_EARLY } from "../../src/wire/limits.ts";
import { type Auth, type Bye, Liveness, Reason, Role } from "../../src/wire/protocol.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { accepting, Log, node, otherNode, otherPeer, peer } from "./meeting.ts";
import { socketPair } from "./socket_pair.ts";
import { authFor, frames, type Stranger, stranger } from "./stranger.ts";
import { until, VirtualClock } from "./virtual_clock.ts";

/** The end of a session whose stranger said that, verified in earnest. */
async function endOf(s: Stranger, ...messages: (Uint8Array | string)[]): Promise<number> {
  await s.say(...messages);
  await until(() => s.log.ends.length > 0, "the end");
  assert.deepEqual(s.log.told, ["closed"], "never ready, told once");
  assert.equal(s.clock.timers, 0);
  return s.log.end!.reason;
}

const never = () => new Promise<never>(() => {});
const data = encodeData(otherPeer.publicKey, new Uint8Array([1, 2, 3]));

describe("a node that is dialled", () => {
  it("says hello before its socket's opening is over, so that one packet holds the upgrade and hello", () => {
    const clock = new VirtualClock();
    const [, far] = socketPair(clock);
    const { handlers } = acceptSession(far, accepting(clock, new Log()));
    handlers.open();
    assert.equal(frames(far)[0]?.kind, "hello");
  });

  it("believes an honest auth", async () => {
    const s = await stranger();
    await s.say(await authFor(s.hello));
    await until(() => s.log.ready_.length > 0, "ready");
    assert.equal(s.session.remote, peer.id);
  });

  it("refuses an auth that answers another node's hello (a forwarded challenge)", async () => {
    const [a, b] = [await stranger(), await stranger({ identity: otherNode })];
    assert.equal(await endOf(b, await authFor(a.hello)), Reason.badSignature);
  });

  it("refuses an auth of a dialer that dialled somebody else, though its hello was passed on", async () => {
    const s = await stranger({ hosts: ["meet.example.org"] });
    assert.equal(await endOf(s, await authFor(s.hello, { host: "evil.example.org" })), Reason.wrongHost);
  });

  it("knows its names with any port, or with the port they give, in any case", async () => {
    const accepts = async (hosts: AcceptOptions["hosts"], host: string) => {
      const s = await stranger({ hosts });
      await s.say(await authFor(s.hello, { host }));
      await until(() => s.log.ready_.length + s.log.ends.length > 0, "an outcome");
      return s.session.state === "ready";
    };
    assert.equal(await accepts(["meet.example.org"], "MEET.example.org:8443"), true);
    assert.equal(await accepts(["meet.example.org:443"], "meet.example.org:8443"), false);
    assert.equal(await accepts(["[::1]"], "[::1]:80"), true);
    assert.equal(await accepts([], "meet.example.org"), false);
    assert.equal(await accepts("any", "evil.example.org"), true);
  });

  it("refuses an auth that was recorded in an earlier session", async () => {
    const first = await stranger();
    const recorded = await authFor(first.hello);
    await first.say(recorded);
    await until(() => first.log.ready_.length > 0, "ready");
    let count = 100;
    const again = await stranger({ random: (length) => new Uint8Array(length).fill(count++) });
    assert.equal(await endOf(again, recorded), Reason.badSignature);
  });

  it("refuses its own kind of signature reflected: domains differ by direction and role", async () => {
    const s = await stranger();
    const honest = decodeControl(await authFor(s.hello)) as Auth;
    const reflected = welcomeSigned(s.hello.bytes, honest.bytes, honest.bodyBytes);
    assert.equal(
      await endOf(s, encodeAuth(honest.bodyBytes, await peer.sign(reflected))),
      Reason.badSignature,
    );
    const t = await stranger();
    const body = (decodeControl(await authFor(t.hello, { role: Role.node })) as Auth).bodyBytes;
    const asPeer = await peer.sign(authSigned(Role.peer, t.hello.bytes, body));
    assert.equal(await endOf(t, encodeAuth(body, asPeer)), Reason.badSignature);
  });

  it("refuses an auth whose body was changed after it was signed", async () => {
    const s = await stranger();
    const auth = decodeControl(await authFor(s.hello)) as Auth;
    const changed = encodeAuthBody({ ...auth.body, token: "stolen" });
    assert.equal(await endOf(s, encodeAuth(changed, auth.signature)), Reason.badSignature);
  });

  it("refuses another network, another id than in the path, and an agent that forges log lines", async () => {
    let s = await stranger();
    assert.equal(await endOf(s, await authFor(s.hello, { network: "other" })), Reason.wrongNetwork);
    s = await stranger();
    assert.equal(await endOf(s, await authFor(s.hello, {}, otherPeer)), Reason.wrongId);
    for (const agent of ["a\nb", "\u001b[2J", "a\u202eb", "\u0000"]) {
      s = await stranger();
      assert.equal(await endOf(s, await authFor(s.hello, { agent })), Reason.protocolError);
    }
    assert.deepEqual(s.near.other.closedWith?.code, 4000 + Reason.protocolError);
  });

  it("refuses a key of small order before it looks at the signature", async () => {
    const identity = new Uint8Array(32).fill(1, 0, 1);
    let verified = 0;
    const s = await stranger({ verify: () => Promise.resolve(++verified > 0) });
    assert.equal(await endOf(s, await authFor(s.hello, { id: identity })), Reason.badSignature);
    assert.equal(verified, 0);
  });

  it("closes at any frame but auth, at text and at noise, with a code and no bye", async () => {
    for (
      const first of [data, encodePing(new Uint8Array(8)), "ping", new Uint8Array([0xff]), new Uint8Array()]
    ) {
      const s = await stranger();
      assert.equal(await endOf(s, first), Reason.protocolError);
      assert.equal(s.near.other.closedWith?.code, 4000 + Reason.protocolError);
      assert.deepEqual(frames(s.near.other).map((frame) => frame?.kind), ["hello"]);
    }
  });

  it("lets a dialer leave before auth", async () => {
    const s = await stranger();
    assert.equal(await endOf(s, encodeBye(Reason.closed, "never mind")), Reason.closed);
    assert.equal(s.log.end?.by, "remote");
  });
});

describe("frames that come before the welcome", () => {
  it("are processed after verification, in order, whether in the auth's message or behind it", async () => {
    let release = () => {};
    const verify = () => new Promise<boolean>((resolve) => release = () => resolve(true));
    const s = await stranger({ verify });
    const auth = await authFor(s.hello);
    const numbered = [1, 2, 3, 4].map((n) => encodeData(otherPeer.publicKey, new Uint8Array([n])));
    await s.say(concatFrames([auth, numbered[0]!, numbered[1]!]), numbered[2]!, numbered[3]!);
    assert.deepEqual(s.log.told, []);
    release();
    await until(() => s.log.frames.length === 4, "all frames");
    assert.deepEqual(s.log.told, ["ready", "data", "data", "data", "data"]);
    assert.deepEqual(s.log.frames, numbered);
    assert.equal(s.log.messages, 3);
  });

  it("are not processed when the signature is wrong", async () => {
    const s = await stranger();
    const auth = decodeControl(await authFor(s.hello)) as Auth;
    auth.signature[3]! ^= 1;
    assert.equal(
      await endOf(s, concatFrames([encodeAuth(auth.bodyBytes, auth.signature), data])),
      Reason.badSignature,
    );
    assert.equal(s.log.frames.length, 0);
  });

  it("are bounded in bytes, in the auth's message and behind it", async () => {
    const big = encodeData(otherPeer.publicKey, new Uint8Array(MAX_EARLY));
    let s = await stranger();
    assert.equal(await endOf(s, concatFrames([await authFor(s.hello), big])), Reason.protocolError);
    s = await stranger({ verify: never });
    assert.equal(await endOf(s, await authFor(s.hello), big), Reason.protocolError);
  });

  it("are bounded in number", async () => {
    const s = await stranger({ verify: never });
    const tiny = encodePing(new Uint8Array(8));
    assert.equal(
      await endOf(s, await authFor(s.hello), ...Array.from({ length: 300 }, () => tiny)),
      Reason.protocolError,
    );
  });

  it("may not be text", async () => {
    const s = await stranger({ liveness: Liveness.text, verify: never });
    assert.equal(await endOf(s, await authFor(s.hello), "ping"), Reason.protocolError);
  });
});

describe("authorize", () => {
  it("refuses politely: a bye with reason, text and other nodes in place of the welcome", async () => {
    const nodes = ["wss://b.example.org"];
    const s = await stranger({
      authorize: () => Promise.resolve({ ok: false, reason: Reason.overCapacity, text: "full", nodes }),
    });
    assert.equal(await endOf(s, await authFor(s.hello)), Reason.overCapacity);
    const [, bye] = frames(s.near.other) as [unknown, Bye];
    assert.deepEqual(bye, { kind: "bye", reason: Reason.overCapacity, text: "full", nodes });
    assert.equal(s.near.other.closedWith?.code, 4000 + Reason.overCapacity);
  });

  it("fails closed when it throws, rejects, or names nodes that are no URLs", async () => {
    for (
      const authorize of [
        () => {
          throw new Error("broken");
        },
        () => Promise.reject(new Error("broken")),
        () => ({ ok: false as const, reason: Reason.banned, text: "", nodes: ["javascript:broken"] }),
      ]
    ) {
      const s = await stranger({ authorize });
      assert.equal(await endOf(s, await authFor(s.hello)), Reason.internalError);
      assert.equal(s.log.errors.length, 1);
    }
  });

  it("is not asked before the signature is verified", async () => {
    let asked = 0;
    const authorize = () => ({ ok: ++asked > 0 } as { ok: true });
    const s = await stranger({ authorize, verify: () => Promise.resolve(false) });
    assert.equal(await endOf(s, await authFor(s.hello)), Reason.badSignature);
    assert.equal(asked, 0);
  });

  it("whose answer comes after the dialer left changes nothing", async () => {
    let answer = () => {};
    const authorize = () => new Promise<{ ok: true }>((resolve) => answer = () => resolve({ ok: true }));
    const s = await stranger({ authorize });
    await s.say(await authFor(s.hello));
    await until(() => s.session.state === "authenticating", "authorize");
    s.near.terminate();
    await until(() => s.log.ends.length > 0, "the end");
    answer();
    await s.say();
    assert.deepEqual(s.log.told, ["closed"]);
    assert.equal(s.log.end?.by, "network");
  });

  it("and everything before it leave no word about the node's own state: node id and name only", async () => {
    const s = await stranger();
    assert.deepEqual(s.hello.node, node.publicKey);
    assert.deepEqual(Object.keys(s.hello).sort(), [
      "bytes",
      "challenge",
      "features",
      "kind",
      "network",
      "node",
      "time",
      "version",
    ]);
  });
});
