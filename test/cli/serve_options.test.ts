import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { Command } from "commander";
import { accessOf, checkExposure } from "../../src/cli/access_options.ts";
import { applyConfigFile, type ServeChoices, turnOf, withServeOptions } from "../../src/cli/serve_options.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { parsePeerId } from "../../src/identity/peer_id.ts";
import { command } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-serve-"));
after(() => rmSync(home, { recursive: true, force: true }));
const { id } = await generateIdentity();

/** The options as `serve` would see them. */
async function choices(
  words: string[],
  file?: unknown,
  env: Record<string, string> = {},
): Promise<ServeChoices> {
  const path = join(home, "node.json");
  if (file !== undefined) writeFileSync(path, typeof file === "string" ? file : JSON.stringify(file));
  const command = withServeOptions(new Command("serve"));
  Object.assign(process.env, env);
  try {
    command.parse(words, { from: "user" });
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
  if (file !== undefined) await applyConfigFile(command, path);
  return command.opts<ServeChoices>();
}

describe("the options of serve", () => {
  it("have defaults for a node on this machine", async () => {
    const { host, port, network, access, logLevel } = await choices([]);
    assert.deepEqual({ host, port, network, access, logLevel }, {
      host: undefined, // this machine
      port: 8787,
      network: "default",
      access: undefined,
      logLevel: "info",
    });
  });
  it("come from flags, else the environment, else the file", async () => {
    const file = { port: 1, network: "file", host: "file", "log-level": "error" };
    const { port, network, host, logLevel } = await choices(["--port", "3"], file, {
      WAYMEET_PORT: "2",
      WAYMEET_NETWORK: "env",
    });
    assert.deepEqual({ port, network, host, logLevel }, {
      port: 3,
      network: "env",
      host: ["file"],
      logLevel: "error",
    });
  });
  it("may repeat, or hold several values at once", async () => {
    assert.deepEqual((await choices(["--allow", "a", "b", "--allow", "c,d"])).allow, ["a", "b", "c", "d"]);
    assert.deepEqual((await choices([], undefined, { WAYMEET_ALLOW: "a, b c" })).allow, ["a", "b", "c"]);
    assert.deepEqual((await choices([], { allow: ["a", "b"], name: "x" })).allow, ["a", "b"]);
  });
  it("in a file are checked as on the command line", async () => {
    await assert.rejects(
      choices([], { prot: 1 }),
      /there are: access, access-url, allow, bans, chat, dashboard-token, deny, discover, dns-server, fabric, host, ice-server, join, json, key, limits,/,
    );
    await assert.rejects(choices([], { port: 99_999 }), /"port" is wrong: Give a port/);
    await assert.rejects(choices([], { port: null }), /"port" is a string or a number/);
    await assert.rejects(choices([], { allow: [1, {}] }), /"allow" is a list of strings/);
    await assert.rejects(choices([], { "log-level": "loud" }), /Allowed choices are/);
    await assert.rejects(choices([], { json: "yes" }), /"json" is true or false/);
    await assert.rejects(choices([], "{"), /is not JSON/);
    await assert.rejects(choices([], "[]"), /must hold a JSON object/);
  });
  it("that name a missing file are refused", async () => {
    const { exitCode, errors } = await command(["serve", "--config", join(home, "none.json")], { home });
    assert.equal(exitCode, 2);
    assert.match(errors, /none\.json cannot be read/);
  });
});

describe("access to a node", () => {
  const access = async (...words: string[]) => accessOf(await choices(words), parsePeerId);

  it("is chosen by name or by its list", async () => {
    assert.equal(await access(), undefined);
    assert.deepEqual(await access("--access", "open"), { kind: "open" });
    assert.deepEqual(await access("--allow", id), { kind: "allow-list", peers: new Set([id]) });
    assert.deepEqual(await access("--access", "token", "--token-issuer", id), {
      kind: "token",
      issuers: new Set([id]),
    });
  });
  it("by list needs a list, and one alone", async () => {
    await assert.rejects(access("--access", "allow-list"), /--allow PEER/);
    await assert.rejects(access("--access", "token"), /--token-issuer PEER/);
    await assert.rejects(access("--allow", id, "--token-issuer", id), /choose/);
  });
  it("must be chosen off loopback, and the refusal says what to type", async () => {
    const { exitCode, errors } = await command(["serve", "--host", "0.0.0.0"], { home });
    assert.equal(exitCode, 2);
    assert.match(errors, /^ {2}waymeet serve --host 0\.0\.0\.0 --access open --name meet\.example\.org$/m);
    assert.match(errors, /^ {2}waymeet serve --host 0\.0\.0\.0 --access token --token-issuer PEER --name/m);
  });
  it("at all addresses needs a name, too", async () => {
    const check = async (...words: string[]) => checkExposure(await choices(words), await access(...words));
    await assert.rejects(check("--host", "::", "--access", "open"), /host name/);
    await check("--host", "::", "--access", "open", "--name", "meet.example.org");
    await check("--host", "192.0.2.7", "--access", "open");
    await assert.rejects(check("--host", "192.0.2.7"), /say who may connect/);
    for (const host of ["localhost", "127.0.0.1", "127.8.9.1", "::1"]) await check("--host", host);
  });
});

describe("STUN and TURN of a node", () => {
  it("are one port, two, or off, from flags and files alike", async () => {
    assert.equal((await choices([])).stun, undefined);
    assert.deepEqual((await choices(["--stun", "3478", "3479"])).stun, [3478, 3479]);
    assert.deepEqual((await choices([], { stun: ["3478,3479"] })).stun, [3478, 3479]);
    assert.deepEqual((await choices([], { stun: 3478 })).stun, [3478]);
    assert.equal((await choices(["--stun", "off"])).stun, false);
    assert.equal((await choices([], { stun: "off" })).stun, false);
    await assert.rejects(choices([], { stun: [1, 2, 3] }), /one UDP port, or two/);
  });
  it("take the TURN server's secret from a file, and both or none", async () => {
    const path = join(home, "secret");
    writeFileSync(path, "north wind\n");
    const turn = async (...words: string[]) => await turnOf(await choices(words));
    assert.equal(await turn(), undefined);
    assert.deepEqual(await turn("--turn", "turn:a", "--turn-secret", path, "--turn-ttl", "1h"), {
      urls: ["turn:a"],
      secret: "north wind",
      ttl: 3_600,
    });
    await assert.rejects(turn("--turn", "turn:a"), /--turn-secret FILE/);
    await assert.rejects(turn("--turn-secret", path), /--turn turn:/);
    await assert.rejects(turn("--turn", "turn:a", "--turn-secret", `${path}.none`), /cannot be read/);
  });
});
