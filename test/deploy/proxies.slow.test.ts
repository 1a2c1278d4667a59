// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { serve } from "../../edge/node.ts";
import type { NodeApp } from "../../src/rendezvous/bindings.ts";
import { issue } from "../edge/certificates.ts";
import { freePort } from "../free_port.ts";
import { Stage } from "../cli/programs.ts";
import { deployed } from "./place.ts";

const folder = mkdtempSync(join(tmpdir(), "waymeet-proxies-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { files: [cert, key], authority } = issue(folder, "proxy");

/** A proxy by its file in `deploy/proxies`, with the ports and the certificate of this test. */
interface Proxy {
  program: string;
  /** Writes the configuration; returns the words that start it in the foreground. */
  arrange(home: string, outer: number, inner: number): string[];
}

const nginx: Proxy = {
  program: "nginx",
  arrange(home, outer, inner) {
    const site = changed(deployed("proxies", "nginx.conf"), [
      [/listen 443 ssl http2;/, `listen 127.0.0.1:${outer} ssl http2;`],
      [/listen \[::\]:443 ssl http2;/, ""],
      [/\/etc\/letsencrypt\/live\/meet.example.org\/fullchain.pem/, cert],
      [/\/etc\/letsencrypt\/live\/meet.example.org\/privkey.pem/, key],
      [/127\.0\.0\.1:8787/, `127.0.0.1:${inner}`],
    ]);
    const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const paths = kinds.map((kind) => `${kind}_temp_path ${home};`).join(" ");
    const whole = `daemon off; pid ${home}/pid; error_log ${home}/errors;
      events {} http { access_log off; ${paths} ${site} }`;
    writeFileSync(join(home, "nginx.conf"), whole);
    return ["-e", join(home, "errors"), "-p", home, "-c", join(home, "nginx.conf")];
  },
};

const caddy: Proxy = {
  program: "caddy",
  arrange(home, outer, inner) {
    const site = changed(deployed("proxies", "Caddyfile"), [
      [
        /^meet\.example\.org \{/m,
        `https://localhost:${outer}, https://127.0.0.1:${outer} {\n\ttls ${cert} ${key}`,
      ],
      [/127\.0\.0\.1:8787/, `127.0.0.1:${inner}`],
    ]);
    writeFileSync(join(home, "Caddyfile"), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    return ["run", "--adapter", "caddyfile", "--config", join(home, "Caddyfile")];
  },
};

/** Each pattern has to be there: else the test would try another file than the one that is shown. */
function changed(text: string, changes: [RegExp, string][]): string {
  return changes.reduce((before, [pattern, by]) => {
    assert.match(before, pattern);
    return before.replace(pattern, by);
  }, text);
}

interface Client {
  localAddress: string;
  /** Whom it says it speaks for. */
  claims: string;
}

/** The status of an answer. */
function ask(port: number, path: string, client?: Client): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = client && { "X-Forwarded-For": client.claims };
    const { localAddress } = client ?? {};
    const options = { host: "127.0.0.1", port, path, headers, localAddress, rejectUnauthorized: false };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode!);
    }).on("error", reject).end();
  });
}

for (const proxy of [nginx, caddy]) {
  const lacking = spawnSync(proxy.program, ["version"]).error !== undefined &&
    `${proxy.program} is missing: apt-get install ${proxy.program}`;
  describe(`${proxy.program} before a node`, { skip: lacking }, () => {
    it("brings peers to it, tells who they are, and keeps the operator's pages to itself", async () => {
      const home = join(folder, proxy.program);
      mkdirSync(home);
      const [outer, inner] = [await freePort(), await freePort()];
      const addresses: string[] = [];
      await using _node = await serve({
        port: inner,
        access: { kind: "open" },
        names: "any",
        proxies: { from: ["127.0.0.1"] },
        publicMetrics: true,
        within: (meet) =>
          new Hono<NodeApp>().get("/who", (c) => {
            addresses.push(c.env.address!);
            return c.text("");
          }).route("/", meet),
      });
      const child = spawn(proxy.program, proxy.arrange(home, outer, inner), {
        env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
        stdio: "ignore",
      });
      const stage = new Stage("node");
      try {
        await answers(child, outer);
        assert.equal(await ask(outer, "/v1/info"), 200);
        for (const path of ["/metrics", "/v1/mesh", "/dashboard"]) {
          assert.equal(await ask(outer, path), 404, path);
        }
        process.env["NODE_EXTRA_CA_CERTS"] = authority;
        stage.node = `wss://127.0.0.1:${outer}`;
        const { id, program } = await stage.listen("bob");
        assert.equal((await stage.run(["send", id], "hello")).exitCode, 0);
        await program.event("message");
        await ask(outer, "/who", { localAddress: "127.0.0.2", claims: "203.0.113.9" });
        assert.deepEqual(addresses, ["127.0.0.2"]);
      } finally {
        await stage.close();
        child.kill("SIGTERM");
        await new Promise((resolve) => child.exitCode !== null ? resolve(0) : child.once("exit", resolve));
      }
    });
  });
}

async function answers(child: ChildProcess, port: number): Promise<void> {
  while (await ask(port, "/healthz").catch(() => 0) !== 200) {
    assert.equal(child.exitCode, null, "the proxy ended");
    await sleep(50);
  }
}
