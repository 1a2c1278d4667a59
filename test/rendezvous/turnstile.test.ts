import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { Admission } from "../../src/rendezvous/admission.ts";
import type { RendezvousNode } from "../../src/rendezvous/node.ts";
import { Turnstile } from "../../src/rendezvous/turnstile.ts";
import { acceptSession } from "../../src/session/accept.ts";
import type { SessionEnd } from "../../src/session/session.ts";
import { systemClock } from "../../src/session/clock.ts";
import { encodeAuth, encodeAuthBody } from "../../src/wire/frames.ts";
import { Reason, Role, SUBPROTOCOL } from "../../src/wire/protocol.ts";
import { closeReason } from "../../src/wire/reason.ts";
import { bytes, meetInMemory, memoryNode, stopNodes, until } from "./peers.ts";

describe("a turnstile", () => {
  it("lets so many pass in one turn of the event loop, and the others in the next ones, in their order", async () => {
    const passed: number[] = [];
    const { pass } = new Turnstile(systemClock, 2);
    for (let i = 0; i < 5; i++) pass(() => void passed.push(i));
    assert.deepEqual(passed, [0, 1]);
    await turn();
    assert.deepEqual(passed, [0, 1, 2, 3]);
    pass(() => void passed.push(5));
    await turn();
    assert.deepEqual(passed, [0, 1, 2, 3, 4, 5]);
  });

  it("asks for the next turn only when somebody waits for it", async () => {
    let turns = 0;
    let passed = 0;
    const soon = (run: () => void) => {
      turns++;
      systemClock.soon!(run);
    };
    const { pass } = new Turnstile({ ...systemClock, soon }, 2);
    for (let i = 0; i < 2; i++) pass(() => passed++);
    await turn();
    assert.deepEqual({ passed, turns }, { passed: 2, turns: 0 });
    for (let i = 0; i < 3; i++) pass(() => passed++);
    assert.deepEqual({ passed, turns }, { passed: 2, turns: 1 });
    await turn();
    await turn();
    assert.deepEqual({ passed, turns }, { passed: 5, turns: 2 });
  });

  it("holds nobody where there are no turns", () => {
    let passed = 0;
    const { pass } = new Turnstile({ ...systemClock, soon: undefined }, 1);
    for (let i = 0; i < 3; i++) pass(() => passed++);
    assert.equal(passed, 3);
  });
});

const STRANGERS = 200;
const nobody = { buffered: 0, send: () => 0, close() {}, terminate() {} };

/** An auth that looks right, by somebody who has no key. */
async function forgery(): Promise<{ id: PeerId; auth: Uint8Array }> {
  const { id, publicKey } = await generateIdentity();
  const body = encodeAuthBody({
    ...{ id: publicKey, role: Role.peer, instance: new Uint8Array(16), started: Date.now() },
    ...{ network: "default", challenge: new Uint8Array(32), host: "h", agent: "flood/1" },
    ...{ features: [], token: null },
  });
  return { id, auth: encodeAuth(body, new Uint8Array(64).fill(1)) };
}

/** A stranger whose socket is nobody's; tells when the node has hung up, and with which code if it said why. */
function stranger(
  node: RendezvousNode,
  id: string,
  ended: (code?: number) => void,
): (message: Uint8Array) => void {
  const admission = node.admit(id, "192.0.2.9") as Admission;
  const hangUp = (code?: number) => {
    ended(code);
    handlers.closed(code ?? 1006, "");
  };
  const handlers = admission.open({
    ...{ buffered: 0, send: () => 0 },
    close: hangUp,
    terminate: () => hangUp(),
  })!;
  return (message) => handlers.message(message);
}

describe("a flood of forged handshakes that are all read in one turn", () => {
  afterEach(stopNodes);

  it("is checked a few at a time, and a word of those who are here goes between", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    const { id, auth } = await forgery();
    let ended = 0;
    let heardAfter: number | undefined;
    b.nodeSocket!.send = () => {
      heardAfter ??= ended;
      return 0;
    };
    const say = Array.from({ length: STRANGERS }, () => stranger(node, id, () => ended++));
    for (const each of say) each(auth);
    a.send(b, bytes("hello"));
    await until(() => ended === STRANGERS && heardAfter !== undefined);
    assert(heardAfter! < STRANGERS, `the word went after ${heardAfter} strangers`);
    assert.match(node.metricsText(), /handshake_failures_total\{reason="bad-signature"\} 200\n/);
    assert.equal(node.handshakes, 0);
  });

  it("is told why for as long as there is time for that, and then cut off; whoever fails later is told again", async () => {
    const clock = { ...systemClock, now: () => now };
    let now = 0;
    const node = await memoryNode({ clock });
    const { id, auth } = await forgery();
    const codes: (number | undefined)[] = [];
    const fail = (count: number) => {
      const say = Array.from({ length: count }, () => stranger(node, id, (code) => void codes.push(code)));
      for (const each of say) each(auth);
      return until(() => codes.length >= count);
    };
    await fail(STRANGERS);
    const told = codes.splice(0);
    assert.deepEqual(told.slice(0, 64), Array(64).fill(told[0]));
    assert.equal(closeReason(told[0]!), Reason.badSignature);
    assert.deepEqual(told.slice(64), Array(STRANGERS - 64).fill(undefined));
    assert.match(node.metricsText(), /handshake_failures_total\{reason="bad-signature"\} 200\n/);
    now += 1_000;
    await fail(17);
    assert.deepEqual(codes, [...Array(16).fill(told[0]), undefined]);
  });

  it("is not even read before its turn", async () => {
    const { id, auth } = await forgery();
    const waiting: (() => void)[] = [];
    const ends: SessionEnd[] = [];
    const { session, handlers } = acceptSession(nobody, {
      ...{ identity: await generateIdentity(), network: "default", claimed: id, hosts: "any", address: "" },
      ...{ clock: systemClock, random: (length) => new Uint8Array(length) },
      turnstile: (pass) => void waiting.push(pass),
      authorize: () => ({ ok: true }),
      handlers: { ready() {}, data() {}, control() {}, closed: (_, end) => void ends.push(end) },
    });
    handlers.open();
    const nonsense = auth.with(0, 0xff);
    handlers.message(nonsense);
    nonsense.set(auth); // a receiver may overwrite what it handed over
    await turn();
    assert.equal(session.state, "authenticating");
    waiting[0]!();
    await turn();
    assert.equal(session.state, "draining");
    handlers.closed(1006, "");
    assert.match(ends[0]!.text, /auth expected, got malformed bytes/);
  });

  it("costs no check of those who hung up before it was their turn", async () => {
    const { id, auth } = await forgery();
    const waiting: (() => void)[] = [];
    let checks = 0;
    const { handlers } = acceptSession(nobody, {
      ...{ identity: await generateIdentity(), network: "default", claimed: id, hosts: "any", address: "" },
      ...{ clock: systemClock, random: (length) => new Uint8Array(length) },
      turnstile: (pass) => void waiting.push(pass),
      verify: () => Promise.resolve(++checks > 0),
      authorize: () => ({ ok: true }),
      handlers: { ready() {}, data() {}, control() {}, closed() {} },
    });
    handlers.open();
    handlers.message(auth);
    assert.equal(waiting.length, 1);
    handlers.closed(1006, "");
    waiting[0]!();
    await turn();
    assert.equal(checks, 0);
  });
});

describe("upgrades that are all asked for in one turn", () => {
  afterEach(stopNodes);

  it("go ahead a few at a time", async () => {
    const node = await memoryNode();
    const { id } = await forgery();
    let upgraded = 0;
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": SUBPROTOCOL };
    const upgrade = (admission: Admission) => {
      upgraded++;
      admission.release();
      return new Response(null);
    };
    const all = Array.from(
      { length: 100 },
      async () => await node.app.request(`/v1/connect/${id}`, { headers }, { upgrade, address: "192.0.2.9" }),
    );
    await turn();
    assert(upgraded < 100, `${upgraded} at once`);
    await Promise.all(all);
    assert.equal(upgraded, 100);
  });
});
