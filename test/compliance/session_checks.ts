/** Sessions: who gets one, who does not, and how they end. */
import assert from "node:assert/strict";
import { generateIdentity } from "../../src/identity/identity.ts";
import { decodeControl } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { closeCode } from "../../src/wire/reason.ts";
import { bytes, texts } from "../rendezvous/peers.ts";
import { type Check, http, metric, type Target, THROWING_AGENT } from "./check.ts";
import { dialling, raw, until, visit, type Visitor } from "./visitor.ts";

async function refused(visitor: Visitor, reason: Reason): Promise<void> {
  await until("the stranger is refused", () => visitor.close !== undefined);
  assert.equal(visitor.isReady, false);
  assert.equal(visitor.end!.reason, reason);
  assert.equal(visitor.close!.code, closeCode(reason));
}

async function session({ url }: Target): Promise<void> {
  const visitor = await visit(url);
  const { session } = visitor;
  assert.match(session.id, /^[0-9a-f]{32}$/);
  assert.deepEqual(session.remoteKey, session.hello!.node);
  await until("a ping is answered", () => session.pongsMatched > 0);
  session.close(Reason.closed);
  await until("it is closed", () => visitor.close !== undefined);
  assert.equal(visitor.close!.code, 1000);
}

async function wrongKey({ url }: Target): Promise<void> {
  const [identity, thief] = [await generateIdentity(), await generateIdentity()];
  const sign = (message: Uint8Array) => thief.sign(message);
  await refused(await dialling(url, { identity, sign }), Reason.badSignature);
  await refused(await dialling(url, { path: identity.id }), Reason.wrongId);
}

/** Protocol rule 4: freshness comes from challenges. */
async function replayedAuth({ url }: Target): Promise<void> {
  const victim = await visit(url);
  const auth = victim.sent[0] as Uint8Array;
  assert.equal(decodeControl(auth)?.kind, "auth");
  const thief = raw(`${url}/v1/connect/${victim.identity.id}`);
  await until("hello", () => thief.messages.length === 1);
  thief.ws.send(auth);
  await until("the replay is refused", () => thief.close !== undefined);
  assert.equal(thief.close!.code, closeCode(Reason.badSignature));
  await hears(victim);
}

/** The session still works. */
async function hears(visitor: Visitor): Promise<void> {
  const before = visitor.heard.length;
  visitor.send(visitor, bytes("still here"));
  await until("one's own frame comes back", () => visitor.heard.length > before);
  assert.equal(texts(visitor.heard).at(-1), "still here");
}

async function silence({ url }: Target): Promise<void> {
  const { id } = await generateIdentity();
  const stranger = raw(`${url}/v1/connect/${id}`);
  await until("the silent stranger is sent away", () => stranger.close !== undefined);
  assert.equal(stranger.messages.length, 1, "it gets hello and nothing else");
  assert.equal(stranger.close!.code, closeCode(Reason.handshakeTimeout));
}

async function newestWins({ url }: Target): Promise<void> {
  const identity = await generateIdentity();
  const started = Date.now();
  const older = await visit(url, { identity, started });
  const newer = await visit(url, { identity, started: started + 1 });
  await until("the older is told", () => older.close !== undefined);
  assert.equal(older.end!.reason, Reason.replaced);
  assert.equal(older.close!.code, closeCode(Reason.replaced));
  await hears(newer);
  const late = await dialling(url, { identity, started });
  await until("the older one does not come back", () => late.end !== undefined);
  assert.equal(late.end!.reason, Reason.replaced);
  await hears(newer);
}

async function closeCodes({ url }: Target): Promise<void> {
  const witness = await visit(url);
  for (const strange of ["text", bytes("garbage"), Uint8Array.of(0x83, 0, 0x58)]) {
    const visitor = await visit(url);
    visitor.socket.send(strange);
    await until("garbage ends the session", () => visitor.close !== undefined);
    assert.equal(visitor.end!.reason, Reason.protocolError);
    assert.equal(visitor.close!.code, closeCode(Reason.protocolError));
  }
  await hears(witness);
}

async function throwingHandler({ url }: Target): Promise<void> {
  const witness = await visit(url);
  await dialling(url, { agent: THROWING_AGENT }).then((visitor) =>
    until("the listener threw", () => visitor.isReady || visitor.end !== undefined)
  );
  await hears(witness);
  await hears(await visit(url));
}

async function reconnections(target: Target): Promise<void> {
  const { url } = target;
  const identity = await generateIdentity();
  const instance = crypto.getRandomValues(new Uint8Array(16));
  const started = Date.now();
  const witness = await visit(url);
  await until("others are gone", async () => await metric(target, "sessions") <= 1);
  for (let i = 1; i <= 100; i++) {
    const visitor = await visit(url, { identity, instance, started });
    visitor.send(witness, bytes(`visit ${i}`));
    await until(`frame ${i} arrives`, () => witness.heard.length === i);
    if (i % 3 === 0) visitor.socket.terminate();
    else if (i % 3 === 1) visitor.session.close(Reason.closed); // otherwise the next one takes its place
  }
  assert.deepEqual(texts(witness.heard), Array.from({ length: 100 }, (_, i) => `visit ${i + 1}`));
  assert.equal(witness.session.state, "ready");
  await until("none is left but the witness", async () => await metric(target, "sessions") === 1);
}

async function drains(target: Target): Promise<void> {
  const [a, b] = [await visit(target.url), await visit(target.url)];
  a.send(b, bytes("last words"));
  await until("they arrive", () => b.heard.length === 1);
  await target.drain();
  await until("both are told", () => a.close !== undefined && b.close !== undefined);
  for (const { end, close } of [a, b]) {
    assert.deepEqual([end!.reason, end!.by], [Reason.draining, "remote"]);
    assert.equal(close!.code, closeCode(Reason.draining));
  }
  const late = await dialling(target.url);
  await until("nobody new is let in", () => late.end !== undefined);
  assert.equal(late.isReady, false);
  const ready = await fetch(http(target, "/readyz")).then(({ status }) => status, () => 503);
  assert.equal(ready, 503);
}

export const SESSION_CHECKS: Check[] = [
  { name: "a session: handshake, ping, goodbye", run: session },
  { name: "a wrong key or id is refused with its code", run: wrongKey },
  { name: "a replayed auth is refused", run: replayedAuth },
  { name: "a silent stranger is sent away", run: silence },
  { name: "the newest process of a key wins", run: newestWins },
  { name: "garbage ends one session, with its close code", run: closeCodes },
  { name: "a throwing listener hurts nobody else", run: throwingHandler },
  { name: "100 reconnections leave nothing behind", run: reconnections },
];

/** Last: nobody comes in afterwards. */
export const DRAIN_CHECKS: Check[] = [{ name: "a node that leaves says so to all", run: drains }];
