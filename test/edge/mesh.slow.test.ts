// deadline: 120 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Link, Peer } from "../../src/mod.node.ts";
import type { Target } from "../compliance/check.ts";
import { startIsolate } from "../compliance/isolate_target.ts";
import { startProcess } from "../compliance/server_target.ts";
import { until } from "../compliance/visitor.ts";
import { startWorkerdTarget } from "../compliance/workerd_target.ts";
import { runtimes } from "../runtimes.ts";

const TOKEN = "a secret of these tests";
const MESH_NODE = fileURLToPath(new URL("../bench/mesh_node.ts", import.meta.url));
const paths = { local: false, direct: false };

/** A self-hosted node on Bun. */
function selfHosted(): Promise<Target> {
  const { command } = runtimes().find(({ name }) => name === "bun")!;
  return startProcess([...command, MESH_NODE, "bun", TOKEN]);
}

/** Alone at this node: without a standby elsewhere. */
function at({ url }: Target): Promise<Peer> {
  return Peer.open({ nodes: [url], paths, learn: false });
}

async function firstOf(link: Link): Promise<string> {
  for await (const message of link) return message.text();
  throw new Error("the link ended");
}

/** The next link that somebody else begins. */
function once(peer: Peer): Promise<Link> {
  return new Promise((resolve) => peer.addEventListener("link", ({ link }) => resolve(link), { once: true }));
}

/** Both can dial, and both hear. */
async function talk(a: Peer, b: Peer): Promise<[Link, Link]> {
  const accepted = once(b);
  const link = await a.dial(b.id, { deadline: 30_000 });
  await link.send("there");
  const other = await accepted;
  assert.equal(await firstOf(other), "there");
  await other.send("and back");
  assert.equal(await firstOf(link), "and back");
  return [link, other];
}

describe("platforms that nobody can dial, as members of a mesh", () => {
  let bun: Target;
  before(async () => bun = await selfHosted());
  after(() => bun.close());
  const mesh = () => ({ WAYMEET_JOIN: bun.url, WAYMEET_MESH_TOKEN: TOKEN });

  it("peers at two isolates and at a self-hosted node talk", async () => {
    const [one, two] = await Promise.all([startIsolate(mesh()), startIsolate(mesh())]);
    const [a, b, c] = await Promise.all([at(one), at(two), at(bun)]);
    await talk(a, b);
    await talk(b, c);
    await talk(c, a);
    await Promise.all([a, b, c].map((peer) => peer.close()));
    await Promise.all([one.close(), two.close()]);
  });

  it("peers at Cloudflare's runtime and at a self-hosted node talk, and watch each other", async () => {
    const workerd = await startWorkerdTarget(mesh());
    const [a, b, c] = [await at(workerd), await at(bun), await at(bun)];
    await talk(a, b);
    await talk(c, a);
    const seen = b.watch(a.id);
    await until("it is seen across", () => seen.state === "online");
    await a.close();
    await until("it is missed across", () => seen.state === "offline");
    await Promise.all([b.close(), c.close()]);
    await workerd.close();
  });
});
