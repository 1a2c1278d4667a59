import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Environment, settings } from "../../edge/environment.ts";
import { generateIdentity } from "../../src/identity/identity.ts";

const LEAST = { WAYMEET_ACCESS: "open", WAYMEET_NAME: "meet.example.org" };
const refuses = (env: Environment, advice: RegExp) => {
  assert.throws(
    () => settings(env),
    (error: unknown) => error instanceof TypeError && advice.test(error.message),
  );
};

describe("the environment of a platform", () => {
  it("needs who may connect and what the node is called; the rest has defaults", () => {
    assert.deepEqual(settings(LEAST), {
      network: "default",
      access: { kind: "open" },
      names: ["meet.example.org"],
      mesh: undefined,
      limits: {},
      publicMetrics: false,
      chat: true,
    });
    refuses({ WAYMEET_NAME: "a" }, /WAYMEET_ACCESS is "open", "allow-list"/);
    refuses({ WAYMEET_ACCESS: "open" }, /WAYMEET_NAME has to list the host names/);
    refuses({ ...LEAST, WAYMEET_CHAT: "maybe" }, /WAYMEET_CHAT is one of on, off/);
  });

  it("reads lists with commas and blanks, and what is empty as missing", async () => {
    const { id } = await generateIdentity();
    const env = { ...LEAST, WAYMEET_ACCESS: "allow-list", WAYMEET_ALLOW: ` ${id},\n${id} ` };
    assert.deepEqual(settings(env).access, { kind: "allow-list", peers: new Set([id]) });
    assert.deepEqual(settings({ ...LEAST, WAYMEET_NAME: "a, b c" }).names, ["a", "b", "c"]);
    assert.equal(settings({ ...LEAST, WAYMEET_NAME: "any" }).names, "any");
    assert.equal(settings({ ...LEAST, WAYMEET_NETWORK: " " }).network, "default");
    refuses({ ...LEAST, WAYMEET_ACCESS: "token" }, /WAYMEET_TOKEN_ISSUER has to list PeerIds/);
    refuses({ ...LEAST, WAYMEET_ACCESS: "token", WAYMEET_TOKEN_ISSUER: "alice" }, /which "alice" is not/);
  });

  it("makes an outbound-only member of a mesh, with its secret", () => {
    const env = { ...LEAST, WAYMEET_JOIN: "wss://a.example", WAYMEET_MESH_TOKEN: "0123456789abcdef" };
    const mesh = { join: ["wss://a.example"], token: "0123456789abcdef", allow: undefined, urls: [] };
    assert.deepEqual(settings(env).mesh, mesh);
    refuses({ ...env, WAYMEET_MESH_TOKEN: undefined }, /WAYMEET_JOIN goes with WAYMEET_MESH_TOKEN/);
  });

  it("knows every way of access that serve knows", async () => {
    const { id } = await generateIdentity();
    const denied = settings({ ...LEAST, WAYMEET_ACCESS: "deny-list", WAYMEET_DENY: id }).access;
    assert.deepEqual(denied, { kind: "deny-list", peers: new Set([id]) });
    const asked = {
      ...LEAST,
      WAYMEET_ACCESS: "callback",
      WAYMEET_ACCESS_URL: "https://example.org/may-come",
    };
    assert.equal(settings(asked).access.kind, "callback");
    refuses({ ...LEAST, WAYMEET_ACCESS: "deny-list" }, /WAYMEET_DENY has to list PeerIds/);
    refuses({ ...LEAST, WAYMEET_ACCESS: "callback" }, /WAYMEET_ACCESS_URL has to say whom to ask/);
    refuses({ ...asked, WAYMEET_ACCESS_URL: "ftp://x" }, /cannot be asked/);
  });

  it("takes limits as JSON", () => {
    assert.deepEqual(settings({ ...LEAST, WAYMEET_LIMITS: '{"queue":5}' }).limits, { queue: 5 });
    assert.deepEqual(settings({ ...LEAST, WAYMEET_LIMITS: '{"sessions":"none"}' }).limits, {
      sessions: Infinity,
    });
    refuses({ ...LEAST, WAYMEET_LIMITS: "5 MB" }, /WAYMEET_LIMITS is JSON/);
    refuses({ ...LEAST, WAYMEET_LIMITS: '{"sesions":5}' }, /there is no limits.sesions/);
  });
});
