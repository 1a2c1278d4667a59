import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { dialerStep } from "../../src/session/handshake.ts";
import type { DialerSide } from "../../src/session/handshake_state.ts";
import type { Effect } from "../../src/session/lifecycle.ts";
import { sessionUrl } from "../../src/session/session_url.ts";
import { encodeFound, encodeHello, encodePing } from "../../src/wire/frames.ts";
import { Reason, UNASKED, VERSION } from "../../src/wire/protocol.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { HOST, node, peer } from "./meeting.ts";

const side: DialerSide = {
  body: {
    id: peer.publicKey,
    role: 0,
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
const hello = encodeHello({
  node: node.publicKey,
  network: "test",
  challenge: new Uint8Array(32).fill(2),
  features: [],
  version: VERSION,
  time: 5,
});
const signed = { body: new Uint8Array([0x80]), signature: new Uint8Array(64).fill(3), left: 9 };
const found = encodeFound(UNASKED, Reason.none, signed);

/** What a dialer that asked about so many peers does with these frames. */
function heard(sought: number, ...frames: Uint8Array[]): Effect[] {
  const message = concatFrames(frames);
  return dialerStep({ ...side, sought }, { name: "hello" }, { type: "message", message }).effects;
}

/** The close code of what was refused. */
function refusal(effects: Effect[]): number | undefined {
  return effects.flatMap((effect) => effect.type === "shut" ? [effect.code] : [])[0];
}

describe("behind a hello", () => {
  it("stands where the peers are that the URL asked about", () => {
    const tasks = heard(2, hello, found, found).filter((effect) => effect.type === "prepare");
    assert.deepEqual(tasks.flatMap(({ found }) => found.map(({ record }) => record)), [signed, signed]);
  });
  it("stands nothing that was not asked for, or that is no found", () => {
    const malformed = 4_000 + Reason.protocolError;
    assert.equal(refusal(heard(0, hello)), undefined);
    assert.equal(refusal(heard(0, hello, found)), malformed);
    assert.equal(refusal(heard(1, hello, found, found)), malformed);
    assert.equal(refusal(heard(2, hello, encodePing(new Uint8Array(8)))), malformed);
  });
});

describe("the URL of a session", () => {
  it("asks about four peers at most, and names the dialer as before", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await generateIdentity()).id));
    const { url } = sessionUrl("wss://meet.example.org/edge?zone=a", peer.id, false, ids);
    const { pathname, searchParams } = new URL(url);
    assert.equal(pathname, `/edge/v1/connect/${peer.id}`);
    assert.deepEqual(searchParams.getAll("find"), ids.slice(0, 4));
    assert.equal(searchParams.get("zone"), "a");
  });
});
