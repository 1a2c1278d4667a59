import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { Reload } from "../../src/cli/reload.ts";
import { applyConfigFile, withServeOptions } from "../../src/cli/serve_options.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { parsePeerId } from "../../src/identity/peer_id.ts";
import type { Access } from "../../src/rendezvous/access.ts";
import type { Controls } from "../../src/rendezvous/controls.ts";
import { DEFAULT_LIMITS, type NodeLimits } from "../../src/rendezvous/node_limits.ts";

const home = mkdtempSync(join(tmpdir(), "waymeet-reload-"));
after(() => rmSync(home, { recursive: true, force: true }));
const { id } = await generateIdentity();

/** What a node was told to change. */
class Told {
  limits: Partial<NodeLimits>[] = [];
  access: Access[] = [];
  setLimits(limits: Partial<NodeLimits>): void {
    this.limits.push(limits);
  }
  setAccess(access: Access): Promise<void> {
    this.access.push(access);
    return Promise.resolve();
  }
}

let files = 0;

async function running(file: unknown, ...words: string[]) {
  const path = join(home, `node-${++files}.json`);
  const write = (value: unknown) =>
    writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  write(file);
  const command = withServeOptions(new Command("serve"));
  command.parse(words, { from: "user" });
  await applyConfigFile(command, path);
  const told = new Told();
  const controls = told as unknown as Controls;
  return { path, write, told, reload: new Reload({ command, path, controls, peer: parsePeerId }) };
}

describe("a changed configuration file", () => {
  it("sets all limits: those it names, and the defaults of the others", async () => {
    const { write, told, reload } = await running({ limits: { sessions: 5, queue: 9_000_000 } });
    write({ limits: { sessions: 7, bytesPerSecond: "none" } });
    assert.equal(await reload.now(), true);
    assert.deepEqual(told.limits, [{ ...DEFAULT_LIMITS, sessions: 7 }]);
    assert.deepEqual(told.access, []); // it said nothing new of that
  });

  it("changes who may connect, and leaves what a flag said", async () => {
    const { write, told, reload } = await running({ access: "open" });
    write({ allow: [id] });
    assert.equal(await reload.now(), true);
    assert.deepEqual(told.access, [{ kind: "allow-list", peers: new Set([id]) }]);
    const flagged = await running({}, "--access", "open", "--limits", "sessions=3");
    flagged.write({ access: "token", limits: { sessions: 9 } });
    assert.equal(await flagged.reload.now(), true);
    assert.deepEqual([flagged.told.access, flagged.told.limits[0]!.sessions], [[], 3]);
  });

  it("that is wrong changes nothing, not even what is right in it", async () => {
    const { write, told, reload } = await running({ host: ["0.0.0.0"], name: ["a.example"], access: "open" });
    const wrong = [
      "{",
      { limits: { sessions: -1 }, allow: [id] },
      { limits: { sesions: 1 } },
      { limits: { sessions: 1 }, allow: ["nobody"] },
      { limits: [1] },
      { host: ["0.0.0.0"], name: ["a.example"] }, // no access choice any more
    ];
    for (const file of wrong) {
      write(file);
      assert.equal(await reload.now(), false, JSON.stringify(file));
    }
    assert.deepEqual([told.limits, told.access], [[], []]);
  });

  it("is seen by itself once it stands still, also when another file takes its place", async () => {
    const { path, write, told, reload } = await running({});
    await reload.watch();
    write({ limits: { sessions: 7 } });
    for (let tries = 0; told.limits.length < 1 && tries < 500; tries++) await sleep(20);
    const fresh = `${path}.fresh`;
    writeFileSync(fresh, JSON.stringify({ limits: { sessions: 8 } }));
    renameSync(fresh, path);
    for (let tries = 0; told.limits.length < 2 && tries < 500; tries++) await sleep(20);
    reload.stop();
    assert.deepEqual(told.limits.map(({ sessions }) => sessions), [7, 8]);
  });
});
