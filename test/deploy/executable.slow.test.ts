// deadline: 240 s
// cores: 0.5
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { runtimes } from "../runtimes.ts";
import { deployed, ROOT } from "./place.ts";

const folder = mkdtempSync(join(tmpdir(), "waymeet-executable-"));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const program = (name: string): string => runtimes().find((each) => each.name === name)!.program;

/** The commands of the guide, with the results elsewhere. */
const [bunCompile, bundle, denoCompile] = [...deployed("executable", "README.md").matchAll(/^npx .*$/gm)].map(
  ([line]) => line.slice("npx ".length).split(" "),
) as [string[], string[], string[]];

function run([name, ...words]: string[], results: string, env: Record<string, string> = {}): void {
  const placed = words.map((word) => /^waymeet(\.js)?$/.test(word) ? join(results, word) : word);
  execFileSync(program(name!), placed, { cwd: ROOT, stdio: "pipe", env: { ...process.env, ...env } });
}

/** Where no `node_modules` is above, with a home of its own. */
function place(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

interface Started {
  child: ChildProcess;
  event(name: string): Promise<Record<string, unknown>>;
  ended: Promise<number | null>;
  output(): string;
}

function start(command: string[], cwd: string, input?: string): Started {
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd },
  });
  running.add(child);
  let [output, errors, over] = ["", "", false];
  let woken = (): void => {};
  child.stdout.on("data", (bytes) => (output += bytes, woken()));
  child.stderr.on("data", (bytes) => (errors += bytes));
  child.stdin.on("error", () => {}).end(input);
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      running.delete(child);
      over = true;
      woken();
      resolve(code);
    })
  );
  const event = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const lines = output.split("\n").slice(0, -1).map((line) => JSON.parse(line));
      const found = lines.find((each) => each.event === name);
      if (found) return found;
      assert.equal(over, false, `ended without ${name}: ${output}${errors}`);
      await new Promise<void>((resolve) => woken = resolve);
    }
  };
  return { child, event, ended, output: () => output };
}

/** Serves, listens, sends and pings, each a process of `waymeet`. */
async function converse(waymeet: string[], cwd: string): Promise<void> {
  const node = start([...waymeet, "serve", "--port", "0", "--json"], cwd);
  const url = String((await node.event("ready"))["url"]);
  const page = await fetch(`${url.replace(/^ws/, "http")}/chat`);
  assert.match(await page.text(), /<html/);
  const bob = start([...waymeet, "listen", "--json", "--key", "bob.pem", "--node", url], cwd);
  const id = String((await bob.event("ready"))["id"]);
  assert.equal(await start([...waymeet, "send", id, "--node", url], cwd, "hello").ended, 0);
  assert.equal((await bob.event("message"))["text"], "hello");
  const ping = start([...waymeet, "ping", id, "--json", "--node", url], cwd);
  for (let why = ""; !/WebRTC|node-datachannel/.test(why);) {
    const pongs = ping.output().split("\n").slice(0, -1).map((line) => JSON.parse(line));
    assert.deepEqual(pongs.filter(({ path }) => path === "direct"), []);
    why = pongs.map((pong) => pong.why ?? "").at(-1) ?? "";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const each of [ping, bob, node]) {
    each.child.kill("SIGTERM");
    await each.ended;
  }
}

describe("waymeet as one file", () => {
  it("by Bun serves, shows its pages, sends, and says why it stays on the relay", async () => {
    const results = place("bun");
    run(bunCompile, results);
    await converse([join(results, "waymeet")], results);
  });

  it("is JavaScript without packages beside it, which Deno runs", async () => {
    const results = place("deno");
    run(bundle, results);
    await converse([program("deno"), "run", "-A", join(results, "waymeet.js")], results);
  });

  it("by Deno is put behind the runtime that DENORT_BIN names, without a download", () => {
    const results = place("denort");
    run(bundle, results);
    const stand = join(results, "denort");
    copyFileSync("/bin/true", stand);
    run(denoCompile, results, { DENORT_BIN: stand });
    const [whole, script] = ["waymeet", "waymeet.js"].map((name) => readFileSync(join(results, name)));
    assert.ok(whole!.includes(script!.subarray(1_000, 2_000)));
    assert.ok(statSync(join(results, "waymeet")).mode & 0o100);
  });
});
