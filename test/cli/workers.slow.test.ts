// deadline: 240 s
// cores: 0.5
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Peer } from "../../src/mod.node.ts";
import { freePort } from "../free_port.ts";
import { Stage } from "./programs.ts";

/** Samples of a metric by worker. */
async function samples(url: string, name: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url.replace(/^ws/, "http")}/metrics`)).text();
  const found = text.matchAll(new RegExp(`^${name}\\{worker="(\\d+)"\\} (\\d+)$`, "gm"));
  return new Map([...found].map(([, worker, value]) => [worker!, Number(value)]));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!await holds().catch(() => false)) await sleep(100);
}

/** Whether both workers have that many or more of it. */
async function both(url: string, name: string, least: number): Promise<boolean> {
  const values = [...(await samples(url, name)).values()];
  return values.length === 2 && values.every((value) => value >= least);
}

/** Takes in what others send: a message is delivered when it was. */
function listen(peer: Peer): void {
  peer.addEventListener("link", async ({ link }) => {
    for await (const _ of link);
  });
}

for (const runtime of ["bun", "deno", "node"] as const) {
  describe(`waymeet serve --workers 2 on ${runtime}`, () => {
    it("is one node to its peers: they meet across processes, and one that is killed comes back", async () => {
      const stage = new Stage(runtime);
      const peers: Peer[] = [];
      try {
        const port = await freePort();
        const program = await stage.serve(port, "--workers", "2");
        const { url, workers } = await program.event("ready") as { url: string; workers: string[] };
        assert.equal(new Set(workers).size, 2);
        await until(() => both(url, "waymeet_mesh_sessions", 1));

        // The system spreads them by hash: until each worker has one.
        while (!await both(url, "waymeet_sessions", 1)) {
          peers.push(await Peer.open({ nodes: [url], paths: { local: false, direct: false } }));
        }
        for (const peer of peers) listen(peer);
        const [first, ...others] = peers as [Peer, ...Peer[]];
        const links = await Promise.all(others.map((other) => first.dial(other.id, { deadline: 10_000 })));
        for (const link of links) await link.send("hello");
        const sessions = [...(await samples(url, "waymeet_sessions")).values()];
        assert.equal(sessions.reduce((sum, value) => sum + value), peers.length);

        const before = await pids(program.child.pid!);
        assert.equal(before.length, 2);
        process.kill(before[0]!, "SIGKILL");
        await until(() => Promise.resolve(program.errors.includes("is started again")));
        await until(() => both(url, "waymeet_mesh_sessions", 1));
        for (const link of links) await link.send("again");

        const after = await pids(program.child.pid!);
        assert.equal((await program.stop()).exitCode, 0);
        for (const pid of after) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
      } finally {
        for (const peer of peers) await peer.close();
        await stage.close();
      }
    });
  });
}

/** The workers of a process; a compiler of its TypeScript may run beside them. */
async function pids(parent: number): Promise<number[]> {
  const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(all.map(async (name) => {
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    const above = Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]);
    return above === parent && words.includes("--workers") ? [Number(name)] : [];
  }));
  return found.flat();
}
