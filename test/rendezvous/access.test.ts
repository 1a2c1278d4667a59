import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { SignJWT } from "jose";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { type Access, issueToken } from "../../src/rendezvous/access.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { meetInMemory, memoryNode, stopNodes, type TestPeer } from "./peers.ts";

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
