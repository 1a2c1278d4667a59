import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { serve } from "../../edge/node.ts";
import { command, type Outcome } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-cli-"));
after(() => rmSync(home, { recursive: true, force: true }));

const waymeet = (...words: string[]): Promise<Outcome> => command(words, { home });
const COMMANDS = [
  ["id"],
  ["alias"],
  ["serve"],
  ["doctor"],
  ["listen"],
  ["send"],
  ["pipe"],
  ["ping"],
  ["ban"],
  [
    "token",
    "new",
  ],
];
const ID = /^[a-z2-7]{52}$/;

describe("the command line", () => {
  it("has help with examples for every command, and exits with 0 after it", async () => {
    for (const words of COMMANDS) {
      const { exitCode, output } = await waymeet(...words, "--help");
      assert.equal(exitCode, 0, words.join(" "));
      assert.match(output, new RegExp(`Usage: waymeet ${words.join(" ")}`));
      assert.match(output, /Examples:\n {2}\$ .*waymeet /);
    }
  });
  it("exits with 2 when called wrongly, and says so on standard error alone", async () => {
    const wrong = [
      [],
      ["fly"],
      ["send"],
      ["send", "bob", "--fast"],
      ["send", "bob", "too", "many"],
      ["serve", "--port", "70000"],
      ["serve", "--log-level", "loud"],
      ["ping", "bob", "--count", "0"],
      ["doctor"],
      ["doctor", "https://meet.example.org"],
      ["doctor", "ws://meet.example.org"],
      ["send", "bob", "--wait", "60"],
      ["listen", "--node", "meet.example.org"],
      ["token", "new"],
      ["token"],
    ];
    for (const words of wrong) {
      const { exitCode, output, errors } = await waymeet(...words);
      assert.equal(exitCode, 2, words.join(" "));
      assert.equal(output, "");
      assert.notEqual(errors, "");
    }
  });
  it("tells its version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(await waymeet("--version"), { exitCode: 0, output: `${version}\n`, errors: "" });
  });
  it("asks for a node when none is named", async () => {
    const { id } = JSON.parse((await waymeet("id", "--json")).output);
    for (const words of [["listen"], ["send", id], ["ping", id], ["pipe", id]]) {
      const { exitCode, errors } = await waymeet(...words);
      assert.equal(exitCode, 2);
      assert.match(errors, /--node wss:/);
    }
  });
  it("says what a URL without scheme should have been", async () => {
    assert.match(
      (await waymeet("listen", "-n", "https://meet.example.org")).errors,
      /wss:\/\/meet\.example\.org/,
    );
  });
  it("says which end a pipe needs", async () => {
    assert.match(
      (await waymeet("pipe", "--node", "ws://127.0.0.1:1")).errors,
      /pipe PEER, or waymeet pipe --listen/,
    );
    assert.match(
      (await waymeet("pipe", "bob", "--from", "al", "--node", "ws://127.0.0.1:1")).errors,
      /--from goes with --listen/,
    );
  });
});

describe("waymeet id", () => {
  it("makes a key file of mode 0600 once, says so, and prints the same id ever after", async () => {
    const path = join(home, "own", "alice.pem");
    const first = await waymeet("id", "--key", path);
    assert.match(first.output.trim(), ID);
    assert.match(first.errors, /made a new key in .*alice\.pem/);
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(await waymeet("id", "--key", path), { ...first, errors: "" });
  });
  it("prints eight words on request", async () => {
    const { output } = await waymeet("id", "--words");
    assert.match(output, /^[a-z2-7]{52}\n([a-z]+ ){7}[a-z]+\n$/);
    const { id, words } = JSON.parse((await waymeet("id", "--words", "--json")).output);
    assert.equal(output, `${id}\n${words.join(" ")}\n`);
  });
  it("keeps its key in XDG_CONFIG_HOME, or ~/.config", async () => {
    const elsewhere = join(home, "xdg");
    const { output } = await command(["id"], { home, env: { XDG_CONFIG_HOME: elsewhere } });
    assert.equal((await waymeet("id", "--key", join(elsewhere, "waymeet", "key.pem"))).output, output);
    assert.equal(
      (await waymeet("id", "--key", join(home, ".config", "waymeet", "key.pem"))).output,
      (await waymeet("id")).output,
    );
  });
  it("fails with 1 on a file that holds no key, as text or as JSON", async () => {
    const path = join(home, "broken.pem");
    writeFileSync(path, "not a key\n", { mode: 0o600 });
    const plain = await waymeet("id", "--key", path);
    assert.equal(plain.exitCode, 1);
    assert.match(plain.errors, /waymeet: key file .*broken\.pem: not PEM.*--key/);
    const json = JSON.parse((await waymeet("id", "--key", path, "--json")).errors);
    assert.equal(json.event, "error");
    assert.equal(json.code, "key-unreadable");
  });
});

describe("waymeet token new", () => {
  it("issues a token for one peer and network", async () => {
    const [issuer, peer] = [
      (await waymeet("id")).output.trim(),
      (await waymeet("id", "--key", join(home, "peer.pem"))).output.trim(),
    ];
    const { token, expires } = JSON.parse(
      (await waymeet("token", "new", "--peer", peer, "--network", "home", "--ttl", "2h", "--json")).output,
    );
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    assert.deepEqual({ ...claims, iat: 0, exp: claims.exp - claims.iat, cnf: 0 }, {
      iss: issuer,
      sub: peer,
      aud: "home",
      iat: 0,
      exp: 7_200,
      cnf: 0,
    });
    assert.ok(Math.abs(Date.parse(expires) / 1_000 - claims.exp) < 5);
  });
});

describe("waymeet ban", () => {
  it("says what is wrong with what it was given", async () => {
    const scene = { home };
    const node = ["--node", "ws://127.0.0.1:1"];
    const nobody = await command(["ban", "everybody", ...node], scene);
    assert.equal(nobody.exitCode, 2);
    assert.match(nobody.errors, /write a PeerId, an address \(192\.0\.2\.7\)/);
    const away = await command(["ban", "192.0.2.7", ...node], scene);
    assert.equal(away.exitCode, 1);
    assert.match(away.errors, /127\.0\.0\.1:1\/v1\/orders does not answer/);
  });

  it("is obeyed by a node that trusts the operator, until it is lifted", async () => {
    const key = join(home, "operator.pem");
    const operator = (await command(["id", "--key", key], { home })).output.trim();
    await using node = await serve({ port: 0, operators: [operator as PeerId], stunPorts: false });
    const words = ["--key", key, "--node", node.url];
    const banned = await command(["ban", "agent:bot", ...words, "--for", "1h", "--reason", "noise"], {
      home,
    });
    assert.deepEqual([banned.exitCode, banned.errors], [0, ""]);
    assert.deepEqual(node.node.controls.bans.map(({ subject, reason }) => [subject, reason]), [[
      "agent:bot",
      "noise",
    ]]);
    assert.equal((await command(["ban", "agent:bot", ...words, "--lift"], { home })).exitCode, 0);
    assert.deepEqual(node.node.controls.bans, []);
    const stranger = await command(["ban", "agent:bot", "--node", node.url], { home });
    assert.equal(stranger.exitCode, 1);
    assert.match(stranger.errors, /does not obey this operator/);
  });
});
