// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("wrangler accepts the deployment for Cloudflare, and its bundle fits a free account", async () => {
  const out = mkdtempSync(join(tmpdir(), "waymeet-wrangler-"));
  try {
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--outdir", out],
      {
        cwd: join(root, "deploy/cloudflare"),
        env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", HOME: out, XDG_CONFIG_HOME: out },
      },
    );
    assert.match(stdout, /env\.PEERS \(Peers\)/);
    assert.match(stdout, /env\.GATEWAY \(Gateway\)/);
    const kib = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    assert.ok(kib < 3_072, `${kib} KiB compressed; 3 MB are allowed`);
    assert.match(readFileSync(join(out, "worker.js"), "utf8"), /cloudflare:workers/);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
