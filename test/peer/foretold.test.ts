import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Access } from "../../src/rendezvous/access.ts";
import { generateIdentity } from "../../src/identity/identity.ts";
import { Peer } from "../../src/mod.node.ts";
import { nextLink, VirtualWorld } from "./virtual_world.ts";

const NEAR = "ws://127.0.0.1";
/** Milliseconds one way between the sender and its node: large beside the steps of the clock. */
const DELAY = 200;
/**
 * Here a socket is open on both sides after a round trip, so that hello is there half a round trip
 * later: of real ones, the node's is open when the request is there, and hello comes with the answer.
 */
const HELLO = 0.5;

interface Course {
  access?: Access;
  toward?: boolean;
  offline?: boolean;
  /** Further nodes of the mesh; the sender is at the last. */
  more?: number;
}

/** Round trips to the sender's node from nothing until its message is in a process beside its own node. */
async function course({ access, toward = true, offline = true, more = 0 }: Course) {
  const world = new VirtualWorld({ delay: 1 });
  const urls = more > 0 ? await world.startMesh(1 + more) : [await world.start(NEAR, access && { access })];
  const there = await world.open({ nodes: [urls[0]!], standby: false });
  await world.pass(1_000);
  const far = urls.at(-1)!;
  const arrived = nextLink(there).then(async (link) => {
    for await (const message of link) return { text: message.text(), at: world.clock.now() };
  });
  world.delays.set(far, DELAY);
  const began = world.clock.now();
  const toThere = toward ? [there.id] : [];
  const here = await world.open({ nodes: [far], toward: toThere, offline, standby: false });
  const sent = here.send(there.id, "hello");
  const message = await world.run(arrived);
  await world.run(sent);
  const known = world.clock.now();
  await world.end();
  assert.equal(message?.text, "hello");
  const trips = (at: number) => Math.round(10 * ((at - began) / (2 * DELAY) - HELLO)) / 10;
  return { arrived: trips(message.at), known: trips(known) };
}

describe("from nothing to the first message", () => {
  it("it is one and a half round trips where the node is told beforehand whom to find", async () => {
    assert.deepEqual(await course({}), { arrived: 1.5, known: 2 });
  });
  it("it is as little when the other peer is at another node, and the answer finds its way back", async () => {
    assert.deepEqual(await course({ more: 1 }), { arrived: 1.5, known: 2 });
  });
  it("it is one more where the question goes with the auth: nobody was named, or the node answers no strangers", async () => {
    assert.deepEqual(await course({ toward: false }), { arrived: 2.5, known: 3 });
    const deny: Access = { kind: "deny-list", peers: [] };
    assert.deepEqual(await course({ access: deny }), { arrived: 2.5, known: 3 });
  });
  it("a program that waits for the session first has its record then, and asks nobody", async () => {
    assert.deepEqual(await course({ offline: false }), { arrived: 2.5, known: 3 });
    assert.deepEqual(await course({ offline: false, toward: false }), { arrived: 3.5, known: 4 });
  });
});

describe("peers that a program is to dial at once", () => {
  it("are ids, and at most four", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await generateIdentity()).id));
    const open = (toward: string[] | string) => Peer.open({ nodes: [NEAR], offline: true, toward });
    await assert.rejects(open(ids), RangeError);
    await assert.rejects(open(["me"]), TypeError);
    await assert.rejects(open(ids[0]!), TypeError);
  });
  it("may be away: who waits for one is told when it comes", async () => {
    const world = new VirtualWorld({ delay: 5 });
    await world.start();
    const { identity, id } = await generateIdentity().then((identity) => ({ identity, id: identity.id }));
    const here = await world.open({ toward: [id], offline: true });
    const sent = here.send(id, "hello", { deadline: 20_000 });
    await world.pass(3_000);
    const there = await world.open({ key: identity });
    const link = nextLink(there);
    await world.run(sent);
    assert.equal((await world.run(link)).peer, here.id);
    await world.end();
  });
  it("are asked for again by a dial that comes later", async () => {
    const world = new VirtualWorld({ delay: 5 });
    await world.start();
    const identity = await generateIdentity();
    const here = await world.open({ toward: [identity.id] });
    await world.pass(2_000);
    await world.open({ key: identity });
    await world.run(here.send(identity.id, "hello"));
    await world.end();
  });
  it("get a message once although the node that said hello is lost before its welcome", async () => {
    const world = new VirtualWorld({ delay: 20 });
    await world.start();
    const there = await world.open();
    await world.pass(500);
    const texts: string[] = [];
    there.addEventListener("link", async ({ link }) => {
      for await (const message of link) texts.push(message.text());
    });
    for (const after of [70, 90]) {
      const here = await world.open({ toward: [there.id], offline: true, reconnect: { min: 50, max: 100 } });
      const sent = here.send(there.id, `killed after ${after} ms`);
      await world.pass(after);
      world.breakOne(NEAR, (sides) => sides - 1);
      await world.run(sent);
    }
    await world.end();
    assert.deepEqual(texts, ["killed after 70 ms", "killed after 90 ms"]);
  });
});
