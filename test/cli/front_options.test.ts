import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Command } from "commander";
import { type FrontChoices, frontOf, withFrontOptions } from "../../src/cli/front_options.ts";
import { issue } from "../edge/certificates.ts";
import { command } from "./memory_terminal.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-front-"));
after(() => rmSync(home, { recursive: true, force: true }));

function front(...words: string[]): ReturnType<typeof frontOf> {
  return frontOf(withFrontOptions(new Command("serve")).parse(words, { from: "user" }).opts<FrontChoices>());
}

describe("what stands before a node", () => {
  it("is nothing unless it is said", async () => {
    assert.deepEqual(await front(), { tls: undefined, proxies: undefined });
  });

  it("may be proxies, and the header they set", async () => {
    const { proxies } = await front("--trust-proxy", "10.0.0.0/8,loopback", "--proxy-header", "forwarded");
    assert.deepEqual(proxies, { from: ["10.0.0.0/8", "loopback"], header: "forwarded" });
    await assert.rejects(front("--proxy-header", "forwarded"), /goes with --trust-proxy/);
  });

  it("may be an operator who shows the numbers, or does not", async () => {
    assert.equal((await front("--metrics", "public")).publicMetrics, true);
    assert.equal((await front("--metrics", "private")).publicMetrics, false);
  });

  it("may be a certificate with its key, both or none", async () => {
    const { cert, files: [crt, key] } = issue(home, "own");
    const { tls } = await front("--tls-cert", crt, "--tls-key", key);
    tls!.close();
    assert.equal(tls!.current.cert, cert);
    await assert.rejects(front("--tls-cert", crt), /TLS takes both/);
    await assert.rejects(front("--tls-cert", key, "--tls-key", key), { code: "bad-certificate" });
  });

  it("is refused with what to write instead", async () => {
    const serve = (...words: string[]) =>
      command(["serve", "--port", "0", "--trust-proxy", ...words], { home });
    const nonsense = await serve("example.org", "--access", "open", "--name", "meet.example.org");
    assert.equal(nonsense.exitCode, 1);
    assert.match(nonsense.errors, /"example.org" is no proxy: write an address/);
    const open = await serve("10.0.0.1");
    assert.equal(open.exitCode, 2);
    assert.match(open.errors, /waymeet serve --trust-proxy 10.0.0.1 --access open --name meet.example.org/);
  });
});
