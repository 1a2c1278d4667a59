import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { acceptorStep, dialerStep } from "../../src/session/handshake.ts";
import type {
  AcceptorSide,
  AcceptorState,
  DialerSide,
  DialerState,
} from "../../src/session/handshake_state.ts";
import { type Effect, type Event, lifeStep, READY, type Step } from "../../src/session/lifecycle.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { decodeControl, encodeBye, encodeHello, encodePing, helloWriter } from "../../src/wire/frames.ts";
import { MAX_PAYLOAD, MAX_QUEUE } from "../../src/wire/limits.ts";
import { type Hello, Liveness, OLDEST_VERSION, Reason, VERSION } from "../../src/wire/protocol.ts";
import { HOST, node, peer } from "./meeting.ts";
import { authFor } from "./stranger.ts";

const dialerSide = {
  body: {
    id: peer.publicKey,
    role: 0 as const,
    instance: new Uint8Array(16),
    started: 1,
    network: "test",
    challenge: new Uint8Array(32).fill(1),
    host: HOST,
    agent: "a/1",
    features: [],
  },
  deadline: 1_000,
};
const helloFields = {
  node: node.publicKey,
  network: "test",
  challenge: new Uint8Array(32).fill(2),
  features: [],
};
const acceptorSide = {
  hello: helloWriter({ ...helloFields, version: VERSION }),
  challenge: helloFields.challenge,
  network: helloFields.network,
  claimed: peer.id,
  hosts: "any" as const,
  welcome: {
    session: new Uint8Array(16),
    liveness: Liveness.nonce,
    interval: 15_000,
    address: "",
    maxPayload: MAX_PAYLOAD,
    maxQueue: MAX_QUEUE,
  },
  deadline: 1_000,
};
const hello = encodeHello({ ...helloFields, version: VERSION, time: 5 });
const auth = await authFor(decodeControl(hello) as Hello);

const open: Event = { type: "open", wall: 5 };
const message = (bytes: Uint8Array | string): Event => ({ type: "message", message: bytes });
const prepared: Event = { type: "prepared", started: 0, token: null, early: [] };
const signed: Event = { type: "signed", signature: new Uint8Array(64) };
const turn: Event = { type: "turn" };
const verified: Event = { type: "verified", valid: true };
const verdict: Event = { type: "verdict", verdict: { ok: true }, offer: {} };
const deadline: Event = { type: "deadline" };
const close: Event = { type: "close", reason: Reason.closed, text: "", nodes: [] };
const gone: Event = { type: "socketClosed", code: 1006, text: "" };

/** The node's welcome, as its own steps make it. */
function welcomed(): Uint8Array {
  const { effects } = walk<AcceptorSide, AcceptorState>(acceptorSide, acceptorStep, [
    open,
    message(auth),
    turn,
    verified,
    verdict,
    signed,
  ]);
  const send = effects.filter((effect) => effect.type === "send")[1];
  return send?.type === "send" ? send.frames[0]! : assert.fail("no welcome");
}

function walk<Side, State>(
  side: Side,
  step: (side: Side, state: State | { name: "opening" }, event: Event) => Step<State>,
  events: Event[],
): { state: State | { name: "opening" }; effects: Effect[] } {
  let state: State | { name: "opening" } = { name: "opening" };
  const effects: Effect[] = [];
  for (const event of events) {
    const next: Step<State> = step(side, state, event);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}
const dial = (...events: Event[]) => walk<DialerSide, DialerState>(dialerSide, dialerStep, events);
const accept = (...events: Event[]) => walk<AcceptorSide, AcceptorState>(acceptorSide, acceptorStep, events);

const DIALER = [open, message(hello), prepared, signed, message(welcomed()), verified];
const ACCEPTOR = [open, message(auth), turn, verified, verdict, signed];

describe("the handshake's steps", () => {
  it("pass their named states in order", () => {
    const names = (walked: typeof dial | typeof accept, events: Event[]) =>
      events.map((_, i) => walked(...events.slice(0, i + 1)).state.name);
    assert.deepEqual(names(dial, DIALER), ["hello", "preparing", "signing", "welcome", "verifying", "ready"]);
    assert.deepEqual(names(accept, ACCEPTOR), [
      ...["auth", "queued", "verifying", "authorizing", "signing", "ready"],
    ]);
  });

  it("throw at what only a broken program can do", () => {
    const own = [open, prepared, signed, turn, verified, verdict];
    for (const [walked, path] of [[dial, DIALER], [accept, ACCEPTOR]] as const) {
      for (let i = 0; i <= path.length; i++) {
        for (const event of own) {
          if (event === path[i]) continue;
          assert.throws(() => walked(...path.slice(0, i), event), /impossible transition of a session/);
        }
      }
      assert.throws(() => walked(message(hello)), /"message" while "opening"/);
    }
    assert.throws(() => lifeStep(READY, message(hello)), /"message" while "ready"/);
    assert.throws(() => lifeStep(READY, deadline), /"deadline" while "ready"/);
  });

  it("end from every state at a close, a deadline, a lost socket", () => {
    for (const [walked, path] of [[dial, DIALER], [accept, ACCEPTOR]] as const) {
      for (let i = 0; i < path.length; i++) {
        const before = path.slice(0, i);
        assert.equal(walked(...before, close).state.name, "draining");
        assert.equal(walked(...before, deadline).state.name, "draining");
        assert.equal(walked(...before, gone).state.name, "closed");
        assert.equal(walked(...before, close, deadline).effects.at(-1)?.type, "closed");
      }
    }
  });

  it("say bye only to those whose key is proven, or who have proven themselves to it", () => {
    const byes = (walked: typeof dial | typeof accept, path: Event[]) =>
      path.map((_, i) => {
        const { effects } = walked(...path.slice(0, i), close);
        const last = effects.filter((effect) => effect.type === "send").at(-1);
        return last?.type === "send" && decodeControl(last.frames[0]!)?.kind === "bye";
      });
    assert.deepEqual(byes(dial, DIALER), [false, false, false, false, true, true]);
    assert.deepEqual(byes(accept, ACCEPTOR), [false, false, false, false, true, true]);
  });

  it("hold a deadline in every state that waits for the other side", () => {
    const armed = ({ effects }: { effects: Effect[] }) =>
      effects.filter((effect) => effect.type === "arm" || effect.type === "disarm").at(-1)?.type;
    for (const [walked, path] of [[dial, DIALER], [accept, ACCEPTOR]] as const) {
      for (let i = 1; i < path.length; i++) assert.equal(armed(walked(...path.slice(0, i))), "arm");
      assert.equal(armed(walked(...path)), "disarm");
    }
  });

  it("begin a new deadline with each word of the other side and each proof, no other event does", () => {
    const arming = (walked: typeof dial | typeof accept, path: Event[]) =>
      path.filter((_, i) => {
        const before = walked(...path.slice(0, i)).effects.length;
        return walked(...path.slice(0, i + 1)).effects.slice(before).some((effect) => effect.type === "arm");
      }).map((event) => event.type);
    assert.deepEqual(arming(dial, DIALER), ["open", "message", "signed"]);
    assert.deepEqual(arming(accept, ACCEPTOR), ["open", "message", "verified"]);
  });

  it("take answers that come after the end as nothing", () => {
    for (const event of [open, prepared, signed, turn, verified, verdict, message(hello), close]) {
      assert.deepEqual(dial(open, close, event), dial(open, close));
      assert.deepEqual(accept(open, gone, event), accept(open, gone));
    }
  });

  it("keep nothing of the handshake once ready", () => {
    assert.equal(dial(...DIALER).state, READY);
    assert.equal(accept(...ACCEPTOR).state, READY);
  });

  it("refuse a node that speaks an older version than any this side knows", () => {
    const old = encodeHello({ ...helloFields, version: 0, time: 5 });
    const { effects } = dial(open, message(old));
    assert.equal(effects.find((e) => e.type === "shut")?.code, 4000 + Reason.unsupportedVersion);
    const newer = encodeHello({ ...helloFields, version: 9, time: 5 });
    assert.equal(dial(open, message(newer)).state.name, "preparing");
  });

  it("are of one version with the next one's: the older of two speaks, the newer follows", () => {
    assert(OLDEST_VERSION <= VERSION);
    const oldest = encodeHello({ ...helloFields, version: OLDEST_VERSION, time: 5 });
    assert.equal(dial(open, message(oldest)).state.name, "preparing");
  });

  it("hear a bye in place of hello and welcome", () => {
    const bye = message(encodeBye(Reason.overCapacity, "full", ["wss://b.example"]));
    for (let i = 1; i < 5; i++) {
      const { state } = dial(...DIALER.slice(0, i), bye);
      assert(state.name === "draining");
      assert.deepEqual([state.end.reason, state.end.by, state.end.nodes], [4, "remote", ["wss://b.example"]]);
    }
  });

  it("never throw because of bytes, and never become ready without verified", () => {
    const bytes = fc.oneof(
      fc.constantFrom(
        hello,
        auth,
        welcomed(),
        encodePing(new Uint8Array(8)),
        encodeData(peer.publicKey, new Uint8Array(2)),
      ),
      fc.constantFrom(encodeBye(2, "", []), new Uint8Array(), "ping", "x"),
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.constantFrom(hello, auth, welcomed()), fc.nat(), fc.nat(255)).map(([frame, at, value]) =>
        frame.with(at % frame.length, value)
      ),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 12 }), fc.nat(5), (messages, done) => {
        for (const [walked, path] of [[dial, DIALER], [accept, ACCEPTOR]] as const) {
          const before = path.slice(0, Math.max(1, Math.min(done, path.indexOf(verified))));
          const { state } = walked(...before, ...messages.map(message));
          assert.notEqual(state.name, "ready");
        }
      }),
      { numRuns: 300 },
    );
  });
});
