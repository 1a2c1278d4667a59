// deadline: 300 s
// cores: 0.5
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { freePort } from "../free_port.ts";
import { runtimes } from "../runtimes.ts";
import { stagesOf } from "./dockerfile.ts";
import { deployed, ROOT } from "./place.ts";

/** The root of what would be the image. */
const image = mkdtempSync(join(tmpdir(), "waymeet-image-"));
after(() => rmSync(image, { recursive: true, force: true }));
const [build, final] = stagesOf(deployed("container", "Dockerfile"));
const bun = runtimes().find(({ name }) => name === "bun")!.program;

/** `/app/…` → the same below {@link image}. */
function inside(text: string): string {
  return text.replace(
    /(^|[ =:])\/(source|app|data|tmp)\b/g,
    (_, before, name) => `${before}${image}/${name}`,
  );
}

/** What `COPY . .` brings: the ignore file leaves these out. */
function copySource(): void {
  const out = new Set(
    deployed("container", "Dockerfile.dockerignore").trim().split("\n").map((l) => basename(l)),
  );
  for (const name of ["node_modules", "dist", ".git"]) assert.ok(out.has(name), name);
  cpSync(ROOT, join(image, "source"), { recursive: true, filter: (path) => !out.has(basename(path)) });
}

/** `RUN`, but for `npm ci`, which made the packages of this checkout. */
function runSteps(): void {
  for (const { directory, line } of build!.runs) {
    mkdirSync(inside(directory), { recursive: true });
    if (/^npm ci /.test(line)) {
      symlinkSync(join(ROOT, "node_modules"), join(image, "source/node_modules"));
      continue;
    }
    const { status, stdout, stderr } = spawnSync("sh", ["-ec", inside(line)], {
      cwd: inside(directory),
      encoding: "utf8",
      env: { ...process.env, npm_config_prefer_offline: "true", npm_config_audit: "false" },
    });
    assert.equal(status, 0, `${line}:\n${stdout}\n${stderr}`.slice(-2_000));
  }
}

describe("the container's image, made by hand", () => {
  it("holds a node that runs as nobody, is healthy, and leaves on SIGTERM", async () => {
    mkdirSync(join(image, "tmp"));
    copySource();
    runSteps();
    rmSync(join(image, "source"), { recursive: true });
    const [uid, gid] = final!.user!.split(":").map(Number) as [number, number];
    const nobody = process.getuid!() === 0 ? { uid, gid } : {};
    chmodSync(image, 0o755);
    if ("uid" in nobody) chownSync(join(image, "data"), uid, gid);
    const port = await freePort();
    const env: Record<string, string> = {
      PATH: dirname(bun),
      ...Object.fromEntries(Object.entries(final!.env).map(([name, value]) => [name, inside(value)])),
      WAYMEET_HOST: "127.0.0.1",
      WAYMEET_PORT: String(port),
      WAYMEET_ACCESS: "open",
    };
    const run = ([program, ...words]: string[]) => {
      assert.equal(program, "bun");
      return spawn(bun, words.map(inside), { cwd: "/", env, ...nobody, stdio: ["ignore", "pipe", "pipe"] });
    };
    const healthy = () => new Promise((resolve) => run(final!.health).once("exit", resolve));
    assert.equal(await healthy(), 1);
    const node = run([...final!.entrypoint, ...final!.command]);
    let said = "";
    node.stderr.on("data", (bytes) => said += bytes);
    const ended = new Promise((resolve) => node.once("exit", resolve));
    await Promise.race([new Promise((resolve) => node.stdout.once("data", resolve)), ended]);
    assert.equal(node.exitCode, null, said);
    assert.equal(await healthy(), 0);
    node.kill("SIGTERM");
    assert.equal(await ended, 0);
    assert.equal(await healthy(), 1);
  });
});
