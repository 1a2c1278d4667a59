// deadline: 180 s
// cores: 0.5
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { Stage } from "../cli/programs.ts";
import { freePort } from "../free_port.ts";
import { issue } from "./certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "waymeet-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const [first, second] = [issue(folder, "first"), issue(folder, "second")];
const [crt, key] = [join(folder, "live.crt"), join(folder, "live.key")];

function put([cert, pem]: [string, string]): void {
  copyFileSync(cert, crt);
  copyFileSync(pem, key);
}

/** The certificate with which a port answers now. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(pem(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

function pem(der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** What the programs started from now on believe in. */
function trust(file: string): void {
  process.env["NODE_EXTRA_CA_CERTS"] = process.env["DENO_CERT"] = file;
}

describe("waymeet serve --tls-cert --tls-key", () => {
  for (const runtime of ["bun", "deno", "node"] as const) {
    it(`serves wss:// on ${runtime}, answers with a renewed certificate, and its sessions go on`, async () => {
      put(first.files);
      trust(first.authority);
      const stage = new Stage(runtime);
      try {
        const port = await freePort();
        await stage.serve(port, "--tls-cert", crt, "--tls-key", key);
        assert.match(stage.node, /^wss:\/\/127\.0\.0\.1:/);
        const { program, id } = await stage.listen("bob");
        assert.equal((await stage.run(["send", id], "one")).exitCode, 0);

        put(second.files);
        while (await shown(port) !== second.cert) await sleep(200);
        // The listener believes in the first certificate alone: had its session ended, it could not come back.
        trust(second.authority);
        assert.equal((await stage.run(["send", id], "two")).exitCode, 0);
        const texts = () =>
          program.events.filter(({ event }) => event === "message").map((each) => each["text"]);
        await program.until(() => texts().length >= 2);
        assert.deepEqual(texts(), ["one", "two"]);
      } finally {
        await stage.close();
      }
    });
  }
});
