// runtimes: bun deno node
// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nkeys } from "@nats-io/transport-node";
import { connectNats } from "../../edge/nats.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { Peer } from "../../src/mod.node.ts";
import type { Link } from "../../src/link/link.ts";
import { natsFabric } from "../../src/rendezvous/nats_fabric.ts";
import { NatsSubjects } from "../../src/rendezvous/nats_subjects.ts";
import type { FabricStatus } from "../../src/rendezvous/mesh_status.ts";
import type { RunningNode } from "../../src/rendezvous/serve.ts";
import { NatsServers } from "../nats_servers.ts";
import { serve } from "./runtime.ts";

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function cluster(count: number): Promise<NatsServers> {
  const servers = await NatsServers.start(count);
  ends.push(() => servers.close());
  return servers;
}

/** A node that dials only these servers. */
async function nodeAt(...urls: string[]): Promise<RunningNode> {
  const node = await serve({
    port: 0,
    fabric: natsFabric(await connectNats({ servers: urls })),
    stunPorts: false,
  });
  ends.push(() => node.stop({ graceMs: 100 }));
  return node;
}

async function peerAt(...nodes: RunningNode[]): Promise<Peer> {
  const peer = await Peer.open({ nodes: nodes.map(({ url }) => url), learn: false, paths: { local: false } });
  ends.push(() => peer.close());
  return peer;
}

const status = (node: RunningNode): FabricStatus => node.node.meshStatus()!.fabric!;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

/** Numbered messages all the time, until `stop` tells what has arrived. */
async function traffic(
  from: Peer,
  to: Peer,
): Promise<{ stop: () => Promise<{ sent: number; arrived: number[] }> }> {
  const arriving = new Promise<Link>((resolve) =>
    to.addEventListener("link", ({ link }) => resolve(link), { once: true })
  );
  const link = await from.dial(to.id, { deadline: 20_000 });
  const arrived: number[] = [];
  void (async () => {
    for await (const message of await arriving) arrived.push(Number(message.text()));
  })();
  const sends: Promise<unknown>[] = [];
  let going = true;
  const sending = (async () => {
    for (; going; await sleep(10)) sends.push(link.send(String(sends.length)));
  })();
  const stop = async () => {
    going = false;
    await sending;
    await Promise.all(sends);
    await until(() => arrived.length >= sends.length);
    return { sent: sends.length, arrived };
  };
  return { stop };
}

it("nodes at a cluster lose and double nothing when one of its servers is killed, and one stands still", async () => {
  const servers = await cluster(3);
  const [first, second, third] = servers.urls as [string, string, string];
  const nodes = [await nodeAt(first, third), await nodeAt(second, third)] as const;
  const [a, b] = [await peerAt(nodes[0]), await peerAt(nodes[1])];
  await until(() => nodes.every((node) => node.node.meshStatus()!.presence.peers === 2));
  const { stop } = await traffic(a, b);
  await sleep(300);
  const at = servers.urls.findIndex((url) => url.endsWith(status(nodes[0]).server!));
  await servers.kill(at);
  await until(() => status(nodes[0]).reconnections > 0 && status(nodes[0]).connected);
  await servers.start(at);
  await sleep(300);
  const next = servers.urls.findIndex((url) => url.endsWith(status(nodes[1]).server!));
  servers.freeze(next);
  await until(() =>
    status(nodes[1]).reconnections > 0 && !servers.urls[next]!.endsWith(status(nodes[1]).server!)
  );
  await sleep(300);
  servers.thaw(next);
  const { sent, arrived } = await stop();
  assert(sent > 50);
  assert.deepEqual(arrived, Array.from({ length: sent }, (_, i) => i));
});

it("a node that loses NATS keeps its own peers talking, says so, and comes back", async () => {
  const servers = await cluster(1);
  const nodes = [await nodeAt(...servers.urls), await nodeAt(...servers.urls)] as const;
  const [a, b, c] = [await peerAt(nodes[0]), await peerAt(nodes[0]), await peerAt(nodes[1])];
  await until(() => nodes[0].node.meshStatus()!.presence.peers === 3);
  const far = await traffic(a, c);
  await servers.kill(0);
  await until(() => !status(nodes[0]).connected);
  const near = await a.dial(b.id);
  await near.send("still here");
  assert.match(nodes[0].node.metricsText(), /^waymeet_fabric_connected\{kind="nats",server="[\d.:]+"\} 0$/m);
  assert.match(status(nodes[0]).problem!, /refused|closed|reset|connect/i);
  assert.equal(nodes[0].node.meshStatus()!.presence.peers, 3); // nobody is believed to have left
  const dropped = /^waymeet_frames_dropped_total\{reason="absent"\} [1-9]/m;
  await until(() => dropped.test(nodes[0].node.metricsText())); // and who sent them was told
  await servers.start(0);
  await until(() => nodes.every((node) => status(node).connected));
  const { sent, arrived } = await far.stop();
  assert.deepEqual(arrived, Array.from({ length: sent }, (_, i) => i));
  assert.match(nodes[0].node.metricsText(), /^waymeet_fabric_connected\{.*\} 1$/m);
});

it("a peer that no table lists yet is found by asking, and one that is nowhere is not", async () => {
  const servers = await cluster(1);
  const node = await nodeAt(...servers.urls);
  const b = await peerAt(node);
  await until(() => node.node.meshStatus()!.presence.peers === 1);
  const fresh = await nodeAt(...servers.urls);
  const a = await peerAt(fresh);
  const link = await a.dial(b.id);
  await link.send("found");
  const nobody = await peerAt(node);
  await nobody.close();
  await until(() => node.node.meshStatus()!.presence.peers === 2);
  await assert.rejects(a.dial(nobody.id), { code: "absent" });
  assert(status(fresh).questions > 0);
});

it("the permissions of deploy/nats/nats.conf are enough, and hold each node to its own id", async () => {
  const example = readFileSync(new URL("../../deploy/nats/nats.conf", import.meta.url), "utf8");
  const user = example.slice(example.indexOf("    {"), example.lastIndexOf("    }") + 6);
  const seeds = [nkeys.createUser(), nkeys.createUser()] as const;
  const identities = [await generateIdentity(), await generateIdentity()] as const;
  const users = seeds.map((seed, i) =>
    user.replace("NKEY_OF_NODE", seed.getPublicKey()).replaceAll("ID_OF_NODE", identities[i]!.id)
  );
  const folder = mkdtempSync(join(tmpdir(), "waymeet-nats-"));
  ends.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "nats.conf"), example.replace(user, users.join("")));
  const servers = await NatsServers.start(1, ["-c", join(folder, "nats.conf")]);
  ends.push(() => servers.close());
  const connected = (i: 0 | 1) =>
    connectNats({ servers: servers.urls, nkey: new TextDecoder().decode(seeds[i].getSeed()) });
  const nodes: RunningNode[] = [];
  for (const i of [0, 1] as const) {
    nodes.push(
      await serve({ port: 0, key: identities[i], fabric: natsFabric(await connected(i)), stunPorts: false }),
    );
    ends.push(() => nodes[i]!.stop({ graceMs: 100 }));
  }
  const [a, b] = [await peerAt(nodes[0]!), await peerAt(nodes[1]!)];
  await until(() => nodes.every((node) => node.node.meshStatus()!.presence.peers === 2));
  const { stop } = await traffic(a, b);
  const { sent, arrived } = await stop();
  assert.equal(arrived.length, sent);
  await assert.rejects(a.dial(identities[0].id), { code: "absent" }); // after a question
  assert.deepEqual(nodes.map((node) => status(node).problem), [null, null]);

  const liar = await connected(1);
  ends.push(() => liar.close());
  liar.publish(new NatsSubjects("default", identities[0].id).all, new Uint8Array(1));
  while (liar.state.problem === undefined) await liar.flush();
  assert.match(liar.state.problem, /permissions violation.*publish/i);
});
