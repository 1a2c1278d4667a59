import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import { meshMemoryFile } from "../../edge/mesh_memory_file.ts";
import { DNS_INTERVAL, DNS_RETRY_FIRST, FORGET, GRAVE_LIFETIME } from "../../src/mesh/mesh_limits.ts";
import type { MeshMemory, MeshOptions, Resolver } from "../../src/rendezvous/mesh_options.ts";
import type { RunningNode } from "../../src/rendezvous/serve.ts";
import { VirtualWorld } from "../peer/virtual_world.ts";
import { serve } from "./runtime.ts";

const TOKEN = "a token of this network";
const ONE = "ws://127.0.0.1";
const TWO = "ws://127.0.0.2";
const THREE = "ws://127.0.0.3";

/** Alive, as one node sees the others. */
const alive = (world: VirtualWorld, url: string) =>
  world.node(url).meshStatus()!.members.filter(({ state, session }) => state === "alive" && session).length;

/** Lets time pass, with the real time that signatures and promises take, in fewer turns than `pass`. */
async function settled(world: VirtualWorld, ms: number): Promise<void> {
  for (let step = 0; step < 150; step++) await world.pass(1);
  await world.clock.advance(ms);
  for (let step = 0; step < 150; step++) await world.pass(1);
}

/** Looks now and then. */
async function until(world: VirtualWorld, done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>((resolve) => void world.clock.after(250, resolve));
}

function memoryOf(text?: string): MeshMemory & { text: string | undefined; aside: string[] } {
  return {
    text,
    aside: [],
    read() {
      return Promise.resolve(this.text);
    },
    write(fresh) {
      this.text = fresh;
      return Promise.resolve();
    },
    setAside() {
      this.aside.push(this.text!);
      this.text = undefined;
      return Promise.resolve("elsewhere");
    },
  };
}

describe("nodes find each other", () => {
  const world = () => new VirtualWorld();
  const start = (world: VirtualWorld, url: string, mesh: Partial<MeshOptions>, resolve?: () => Resolver) =>
    world.start(url, { mesh: { token: TOKEN, urls: [url], ...mesh }, resolve });

  it("by a domain that is asked again, also while it does not answer, and less often then", async () => {
    const w = world();
    let records: string[][] = [];
    let asked = 0;
    const resolver: Resolver = {
      resolveSrv: () => Promise.reject(Object.assign(new Error("queryTxt ENODATA"), { code: "ENODATA" })),
      resolveTxt: () => {
        asked++;
        return records.length > 0
          ? Promise.resolve(records)
          : Promise.reject(new Error("queryTxt ENOTFOUND"));
      },
      cancel() {},
    };
    await start(w, ONE, {});
    await start(w, TWO, { discover: "x.example" }, () => resolver);
    await w.clock.advance(DNS_RETRY_FIRST * 2 ** 5);
    const { dns } = w.node(TWO).meshStatus()!.discovery;
    assert(asked >= 4 && asked <= 7, `asked ${asked} times`);
    assert.deepEqual([dns!.name, dns!.failed, dns!.found], ["_waymeet._tcp.x.example", asked, 0]);
    assert.match(dns!.problem!, /ENODATA/);
    records = [[`url=${ONE}`, "url=nonsense"]];
    for (const failed = asked; asked === failed;) await w.clock.advance(1_000);
    await w.run(until(w, () => alive(w, TWO) === 1), 320_000);
    const status = w.node(TWO).meshStatus()!;
    assert.equal(status.discovery.dns!.problem, undefined);
    assert.equal(status.discovery.dns!.found, 1);
    assert.notEqual(status.refusals["bad-dns-record"] ?? 0, 0);
    const before = asked;
    await w.clock.advance(4 * DNS_INTERVAL);
    assert(asked - before >= 3 && asked - before <= 6, `asked ${asked - before} times`);
    await w.end();
  });

  it("by what they remember of an earlier run", async () => {
    const w = world();
    const memory = memoryOf();
    await start(w, ONE, {});
    await start(w, TWO, { join: [ONE], memory });
    await settled(w, 40_000);
    assert.match(memory.text!, new RegExp(w.node(ONE).id));
    w.kill(TWO);
    await start(w, THREE, { memory });
    await settled(w, 5_000);
    assert.equal(alive(w, THREE), 1);
    await w.end();
  });

  it("and a memory that cannot be understood is set aside, nothing of it lost", async () => {
    const w = world();
    const memory = memoryOf("not what we wrote");
    await start(w, ONE, {});
    await start(w, TWO, { join: [ONE], memory });
    await settled(w, 40_000);
    assert.deepEqual(memory.aside, ["not what we wrote"]);
    assert.match(memory.text!, new RegExp(w.node(ONE).id));
    const shut = { ...memoryOf("secret"), read: () => Promise.reject(new Error("EACCES")) };
    await start(w, THREE, { join: [ONE], memory: shut });
    await settled(w, 40_000);
    assert.equal(shut.text, "secret", "what cannot be read is not overwritten");
    assert.equal(alive(w, THREE), 2);
    await w.end();
  });

  it("again after a partition so long that all was forgotten, also those who only were dialled", async () => {
    const w = world();
    await start(w, ONE, {});
    await start(w, TWO, { join: [ONE] });
    await settled(w, 40_000);
    assert.equal(alive(w, ONE), 1);
    w.cut(ONE, TWO);
    // One that restarts knows nobody, and its list is empty: the other's must do.
    for (let passed = 0; passed < FORGET + 60_000; passed += 60_000) await w.clock.advance(60_000);
    assert.deepEqual([ONE, TWO].map((url) => w.node(url).meshStatus()!.members.length), [0, 0]);
    w.passes = (from, to) => from === ONE && to === TWO; // only the one without a list gets through
    await w.run(until(w, () => alive(w, TWO) === 1 && alive(w, ONE) === 1), 120_000);
    assert.deepEqual([alive(w, ONE), alive(w, TWO)], [1, 1]);
    assert(FORGET + 180_000 < GRAVE_LIFETIME, "their graves were not levelled yet");
    await w.end();
  });

  it("but a fixed mesh dials its list alone", async () => {
    const w = world();
    await start(w, ONE, { join: [TWO] });
    await start(w, TWO, {});
    await start(w, THREE, { join: [TWO], fixed: true });
    await settled(w, 5_000);
    assert.notEqual(alive(w, THREE), 0);
    w.passes = (from) => from === THREE;
    w.cut(ONE, THREE);
    w.cut(TWO, THREE);
    w.passes = (from) => from === THREE;
    await w.clock.advance(60_000);
    assert.equal(alive(w, THREE), 1, "the one on the list");
    await assert.rejects(start(w, "ws://127.0.0.4", { fixed: true, memory: memoryOf() }), TypeError);
    await w.end();
  });
});

describe("on this machine", () => {
  const nodes: RunningNode[] = [];
  let server: Socket | undefined;
  const home = mkdtempSync(join(tmpdir(), "waymeet-memory-"));
  after(() => rmSync(home, { recursive: true, force: true }));
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop({ graceMs: 1_000 })));
    server?.close();
    server = undefined;
  });
  const run = async (mesh: MeshOptions) => {
    nodes.push(await serve({ port: 0, mesh: { token: TOKEN, ...mesh } }));
    return nodes.at(-1)!;
  };
  const joined = async (node: RunningNode, count: number) => {
    for (let tries = 0; tries < 200; tries++) {
      const { members } = node.node.meshStatus()!;
      if (members.filter(({ session }) => session).length === count) return members;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail(JSON.stringify(node.node.meshStatus()));
  };

  it("nodes need no URL of their own: their address is one", async () => {
    const one = await run({});
    const two = await run({ join: [one.url] });
    const three = await run({ join: [two.url] });
    assert.deepEqual(
      (await joined(three, 2)).flatMap(({ urls }) => urls).sort(),
      [`${one.url}/`, `${two.url}/`].sort(),
    );
    assert.deepEqual((await joined(one, 2)).length, 2);
    const mute = await run({ join: [one.url], urls: [] });
    await joined(mute, 3);
    assert.deepEqual((await joined(one, 3)).find(({ node }) => node === mute.id)!.urls, []);
  });

  it("a real name server names the nodes of a domain", async () => {
    const one = await run({});
    const answers: Answer[] = [{
      name: "_waymeet._tcp.mesh.example",
      type: "TXT",
      ttl: 5,
      data: [`url=${one.url}`, `id=${one.id}`],
    }, {
      name: "_waymeet._tcp.mesh.example",
      type: "SRV",
      ttl: 5,
      data: { priority: 0, weight: 0, port: 9, target: "localhost" },
    }];
    server = createSocket("udp4");
    const bound = new Promise<void>((resolve) => server!.bind(0, "127.0.0.1", resolve));
    server.on("message", (bytes, { port, address }) => {
      const { id, questions } = decode(bytes);
      const known = answers.filter(({ name, type }) =>
        questions?.[0]?.name === name && questions[0].type === type
      );
      const flags = 0x8180; // QR, RD, RA (RFC 1035 §4.1.1)
      server?.send(encode({ type: "response", id, flags, questions, answers: known }), port, address);
    });
    await bound;
    const dnsServer = `127.0.0.1:${server.address().port}`;
    const two = await run({ discover: "mesh.example", dnsServer });
    const members = await joined(two, 1);
    assert.equal(members[0]!.node, one.id);
    assert.equal(two.node.meshStatus()!.discovery.dns!.found, 2);
    const lost = await run({ discover: "elsewhere.example", dnsServer });
    for (let tries = 0; tries < 200 && lost.node.meshStatus()!.discovery.dns!.failed === 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal(lost.node.meshStatus()!.discovery.dns!.failed, 1);
    assert.match(lost.node.metricsText(), /waymeet_mesh_dns_failures_total 1/);
  });

  it("a file remembers nodes, whole or not at all, and what it does not understand is kept beside it", async () => {
    const path = join(home, "deep", "nodes.json");
    const file = meshMemoryFile(path);
    assert.equal(await file.read(), undefined);
    await file.write("first");
    await file.write("second");
    assert.equal(await file.read(), "second");
    assert.deepEqual(readdirSync(join(home, "deep")), ["nodes.json"]);
    assert.equal(readFileSync(await file.setAside(), "utf8"), "second");
    assert.equal(await file.read(), undefined);
    writeFileSync(join(home, "plain"), "");
    await assert.rejects(meshMemoryFile(join(home, "plain", "nodes.json")).write("x"));
    await assert.rejects(meshMemoryFile(home).read());
  });
});
