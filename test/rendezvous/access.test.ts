import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { SignJWT } from "jose";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { type Access, type Applicant, type Ask, issueToken, judge } from "../../src/rendezvous/access.ts";
import { askUrl } from "../../src/rendezvous/access_callback.ts";
import { type AuthBody, Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { meetInMemory, memoryNode, stopNodes, type TestPeer, until } from "./peers.ts";

async function visit(access: Access, identity: Identity, token?: string): Promise<TestPeer> {
  return await meetInMemory(await memoryNode({ access }), { identity, token });
}

async function refusal(access: Access, identity: Identity, token?: string): Promise<string> {
  const { isReady, end } = await visit(access, identity, token);
  assert.equal(isReady, false);
  assert.equal(end?.reason, Reason.unauthorized);
  return end!.text;
}

describe("access", () => {
  afterEach(stopNodes);

  it("by list admits who is on it, and follows changes of a live set", async () => {
    const [listed, other] = [await generateIdentity(), await generateIdentity()];
    const peers = new Set<PeerId>([listed.id]);
    const access: Access = { kind: "allow-list", peers };
    assert.ok((await visit(access, listed)).isReady);
    assert.match(await refusal(access, other), new RegExp(`ask its operator to add ${other.id}`));
    peers.add(other.id);
    assert.ok((await visit(access, other)).isReady);
  });

  it("by token admits the peer it was issued to", async () => {
    const [issuer, peer] = [await generateIdentity(), await generateIdentity()];
    const token = await issueToken(issuer, { peer: peer.id, network: "default", ttl: 60 });
    assert.ok((await visit({ kind: "token", issuers: [issuer.id] }, peer, token)).isReady);
  });

  it("by token refuses everything else, and says what to do", async () => {
    const [issuer, peer, thief] = [
      await generateIdentity(),
      await generateIdentity(),
      await generateIdentity(),
    ];
    const access: Access = { kind: "token", issuers: [issuer.id] };
    const grant = { peer: peer.id, network: "default", ttl: 60 };
    const token = await issueToken(issuer, grant);
    assert.match(await refusal(access, peer), /wants an access token/);
    assert.match(await refusal(access, peer, "nonsense"), /not valid/);
    assert.match(await refusal(access, thief, token), /issued for another peer/);
    assert.match(await refusal(access, peer, await issueToken(thief, grant)), /issuer is not trusted/);
    assert.match(
      await refusal(access, peer, await issueToken(issuer, { ...grant, network: "x" })),
      /another network/,
    );
    const old = await issueToken(issuer, { ...grant, now: Date.now() - 3_600_000 });
    assert.match(await refusal(access, peer, old), /has expired/);
    const [head, , signature] = token.split(".");
    const claims = btoa(JSON.stringify({ iss: issuer.id, sub: thief.id })).replace(/=+$/, "");
    assert.match(await refusal(access, thief, `${head}.${claims}.${signature}`), /not valid/);
  });

  it("by token refuses one that binds no key, has no end, or another algorithm", async () => {
    const [issuer, peer] = [await generateIdentity(), await generateIdentity()];
    const access: Access = { kind: "token", issuers: [issuer.id] };
    const secret = new Uint8Array(32).fill(1);
    const symmetric = new SignJWT({ sub: peer.id, cnf: {} }).setIssuer(issuer.id).setAudience("default")
      .setExpirationTime("1h").setProtectedHeader({ alg: "HS256" });
    assert.match(await refusal(access, peer, await symmetric.sign(secret)), /not valid/);
    assert.match(
      await refusal(access, peer, await handmade(issuer, { sub: peer.id, cnf: {} })),
      /"exp" is missing/,
    );
    const exp = Math.floor(Date.now() / 1000) + 60;
    assert.match(
      await refusal(access, peer, await handmade(issuer, { sub: peer.id, exp })),
      /"cnf" is missing/,
    );
    const unbound = await handmade(issuer, { sub: peer.id, exp, cnf: { jwk: {} } });
    assert.match(await refusal(access, peer, unbound), /issued for another peer/);
  });

  it("fails closed when the choice is none that this version knows", async () => {
    const choice = { kind: "everybody-nice" } as unknown as Access;
    assert.match(await refusal(choice, await generateIdentity()), /operator/);
  });

  it("issues no token to what is no PeerId, or without an end", async () => {
    const issuer = await generateIdentity();
    await assert.rejects(issueToken(issuer, { peer: "alice" as PeerId, network: "x", ttl: 1 }), TypeError);
    await assert.rejects(issueToken(issuer, { peer: issuer.id, network: "x", ttl: 0 }), RangeError);
  });
});

async function handmade(issuer: Identity, claims: object): Promise<string> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "EdDSA" })}.${part({ iss: issuer.id, aud: "default", ...claims })}`;
  return `${signed}.${
    Buffer.from(await issuer.sign(new TextEncoder().encode(signed))).toString("base64url")
  }`;
}

describe("access by an operator's program", () => {
  afterEach(stopNodes);

  it("admits whom it admits, and is told who comes", async () => {
    const asked: unknown[] = [];
    const ask = (applicant: Applicant) => {
      asked.push(applicant);
      return applicant.agent === "good/1";
    };
    const node = await memoryNode({ access: { kind: "callback", ask } });
    const good = await meetInMemory(node, { agent: "good/1", token: "word" });
    assert.ok(good.isReady);
    const { id } = good.identity;
    assert.deepEqual(asked, [
      { peer: id, network: "default", address: "192.0.2.1", agent: "good/1", token: "word" },
    ]);
    const bad = await meetInMemory(node, { agent: "bad/1" });
    assert.equal(bad.end?.reason, Reason.unauthorized);
  });

  it("tells the refused why, in the operator's words", async () => {
    const peer = await generateIdentity();
    const access: Access = { kind: "callback", ask: () => "pay first" };
    assert.equal(await refusal(access, peer), "pay first");
  });

  it("fails closed: what throws, is no answer, or is late, refuses", async () => {
    const peer = await generateIdentity();
    for (
      const ask of [() => Promise.reject(new Error("down")), () => undefined, () => ({ quotas: { x: 1 } })]
    ) {
      assert.match(await refusal({ kind: "callback", ask: ask as unknown as Ask }, peer), /cannot tell now/);
    }
    const clock = new VirtualClock();
    let given: AbortSignal | undefined;
    const late = judge(
      { kind: "callback", ask: (_applicant, signal) => (given = signal, new Promise(() => {})) },
      { id: peer.publicKey, agent: "", token: null } as AuthBody,
      { network: "default", address: "", now: 0, clock },
    );
    await clock.advance(1_999);
    assert.equal(given?.aborted, false);
    await clock.advance(1);
    assert.equal((await late).ok, false);
    assert.equal(given?.aborted, true);
  });

  it("asks a URL with the applicant as JSON, and takes nothing but a clear yes", async () => {
    const applicant = { peer: "p" as PeerId, network: "n", address: "192.0.2.1", agent: "a", token: null };
    const answered = async (body: string, status = 200) => {
      const send: typeof fetch = (url, options) => {
        assert.equal(String(url), "https://example.org/may-come");
        assert.deepEqual(JSON.parse(String(options?.body)), applicant);
        return Promise.resolve(new Response(body, { status }));
      };
      return await askUrl("https://example.org/may-come", send)(applicant, new AbortController().signal);
    };
    assert.equal(await answered('{"allow":true}'), true);
    assert.deepEqual(await answered('{"allow":true,"quotas":{"framesPerSecond":5}}'), {
      quotas: { framesPerSecond: 5 },
    });
    assert.equal(await answered('{"allow":false,"reason":"no"}'), "no");
    assert.equal(await answered('{"allow":"true"}'), false);
    assert.equal(await answered("null"), false);
    await assert.rejects(answered('{"allow":true}', 201), /answered 201/);
    await assert.rejects(answered("yes"));
    await assert.rejects(answered(`{"allow":true,"x":"${"x".repeat(20_000)}"}`), /at length/);
    assert.throws(() => askUrl("example.org"), /write a URL such as/);
  });
});

describe("a changed access choice", () => {
  afterEach(stopNodes);

  it("by deny-list refuses who is on it and nobody else", async () => {
    const [denied, other] = [await generateIdentity(), await generateIdentity()];
    const access: Access = { kind: "deny-list", peers: new Set([denied.id]) };
    assert.match(await refusal(access, denied), /does not admit/);
    assert.ok((await visit(access, other)).isReady);
  });

  it("ends the sessions of those whom it no longer admits, and of no others", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    await node.controls.setAccess({ kind: "allow-list", peers: new Set([a.identity.id]) });
    await until(() => b.end !== undefined);
    assert.equal(b.end!.reason, Reason.unauthorized);
    assert.equal(a.end, undefined);
    assert.equal((await meetInMemory(node)).end?.reason, Reason.unauthorized);
    assert.equal(node.info().access, "allow-list");
  });
});

describe("tokens", () => {
  afterEach(stopNodes);

  it("are good while their key is listed: a new one is listed, then the old one dropped", async () => {
    const [old, fresh, peer] = [await generateIdentity(), await generateIdentity(), await generateIdentity()];
    const issuers = new Set([old.id]);
    const access: Access = { kind: "token", issuers };
    const grant = { peer: peer.id, network: "default", ttl: 60 };
    const [oldToken, newToken] = [await issueToken(old, grant), await issueToken(fresh, grant)];
    assert.match(await refusal(access, peer, newToken), /issuer is not trusted/);
    issuers.add(fresh.id);
    assert.ok((await visit(access, peer, oldToken)).isReady);
    assert.ok((await visit(access, peer, newToken)).isReady);
    issuers.delete(old.id);
    assert.match(await refusal(access, peer, oldToken), /issuer is not trusted/);
  });

  it("bound what their peer may send, below the node's own limits", async () => {
    const [issuer, peer] = [await generateIdentity(), await generateIdentity()];
    const quotas = { framesPerSecond: 3, frameBurst: 256 };
    const token = await issueToken(issuer, { peer: peer.id, network: "default", ttl: 60, quotas });
    const visitor = await visit({ kind: "token", issuers: [issuer.id] }, peer, token);
    await until(() => visitor.frames.some(({ kind }) => kind === "rate"));
    const told = visitor.frames.find((frame) => frame.kind === "rate");
    assert.deepEqual(told, {
      kind: "rate",
      framesPerSecond: 3,
      frameBurst: 256,
      bytesPerSecond: 0,
      byteBurst: 0,
      pause: 0,
    });
    await assert.rejects(
      issueToken(issuer, { peer: peer.id, network: "default", ttl: 60, quotas: { sessions: 3 } as never }),
      /"sessions" is no quota/,
    );
  });
});
