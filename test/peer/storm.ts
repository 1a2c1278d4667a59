/**
 * Two peers talk while nodes are killed, sessions kicked, lines cut and machines frozen,
 * in a virtual world: everything must arrive once and in order, and nothing may be left.
 *
 *     npx tsx test/peer/storm.ts [COUNT] [SEED]
 *
 * The seed fixes the faults and the traffic; keys and reconnection waits stay random.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Link } from "../../src/link/link.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { nextLink, VirtualWorld } from "./virtual_world.ts";
import { type Dice, seededDice } from "../dice.ts";

const MESSAGES = 150;
const STREAMED = 300_000;
const FAULTS = ["kill", "cut", "kick", "freeze"] as const;

/** One storm. Rejects with what went wrong. */
export async function storm(seed: number): Promise<void> {
  const dice = seededDice(seed);
  const world = new VirtualWorld({ delay: [1, 5, 20, 60][dice(4)] });
  const urls = await nodes(world, dice);
  const [a, b] = [
    await world.open({ nodes: homes(urls, dice) }),
    await world.open({ nodes: homes(urls, dice) }),
  ];
  await world.pass(500);
  const [ab, ba] = await meet(world, a, b, dice(3) === 0);
  const heard = [listen(ab), listen(ba)];
  const talking = [talk(world, ab, dice), talk(world, ba, dice), stream(world, ab, ba)];
  for (let left = dice(6); left > 0; left--) {
    await world.pass(dice(500));
    await fault(world, urls[dice(urls.length)]!, FAULTS[dice(urls.length > 1 ? 4 : 3)]!, [a, b], dice);
  }
  await world.run(Promise.all(talking));
  await world.pass(30_000, 10); // nothing is timed any more
  const expected = Array.from({ length: MESSAGES }, (_, i) => `${i}`);
  assert.deepEqual(heard, [expected, expected]);
  await world.end();
  assert.equal(world.clock.timers, 0);
}

/** One or two nodes that know nothing of each other, or a mesh. */
async function nodes(world: VirtualWorld, dice: Dice): Promise<string[]> {
  if (dice(2) === 0) return await world.startMesh(2 + dice(3));
  const urls = ["ws://127.0.0.1", "ws://127.0.0.2"].slice(dice(2));
  for (const url of urls) await world.start(url);
  return urls;
}

/** The nodes a peer knows: in a mesh two of them, at random; otherwise all, or two peers might not meet. */
function homes(urls: string[], dice: Dice): string[] {
  const first = dice(urls.length);
  return [...urls.slice(first), ...urls.slice(0, first)].slice(0, 2);
}

async function meet(world: VirtualWorld, a: Peer, b: Peer, both: boolean): Promise<[Link, Link]> {
  if (both) return await world.run(Promise.all([a.dial(b.id), b.dial(a.id)]));
  const arriving = nextLink(b);
  const link = await world.run(a.dial(b.id));
  return [link, await world.run(arriving)];
}

function listen(link: Link): string[] {
  const heard: string[] = [];
  void (async () => {
    for await (const message of link) heard.push(message.text().split(":")[0]!);
  })();
  return heard;
}

async function talk(world: VirtualWorld, link: Link, dice: Dice): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const size = dice(10) === 0 ? dice(60_000) : dice(200);
    sent.push(link.send(`${i}:${"x".repeat(size)}`));
    await sleep(world, 1 + dice(15));
  }
  await Promise.all(sent);
}

async function stream(world: VirtualWorld, from: Link, to: Link): Promise<void> {
  const arriving = to.streams[Symbol.asyncIterator]().next();
  const writer = from.openStream().writable.getWriter();
  const reading = arriving.then(async ({ value }) => {
    let size = 0;
    for await (const bytes of value!.readable) size += bytes.length;
    return size;
  });
  for (let sent = 0; sent < STREAMED; sent += 10_000) {
    await writer.write(new Uint8Array(10_000));
    await sleep(world, 20);
  }
  await writer.close();
  assert.equal(await reading, STREAMED);
}

async function fault(
  world: VirtualWorld,
  url: string,
  kind: typeof FAULTS[number],
  peers: [Peer, Peer],
  dice: Dice,
): Promise<void> {
  switch (kind) {
    case "kill":
      world.kill(url);
      await world.pass(dice(800));
      return world.restart(url);
    case "cut":
      return world.breakOne(url, dice);
    case "kick":
      return void world.node(url).disconnect(peers[dice(2)]!.id, "a storm");
    case "freeze":
      return world.blackhole(url);
  }
}

function sleep(world: VirtualWorld, ms: number): Promise<void> {
  return new Promise((resolve) => void world.clock.after(ms, resolve));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [count = "200", first = "1"] = process.argv.slice(2);
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    await storm(seed).catch((error) => {
      throw new Error(`storm ${seed} failed`, { cause: error });
    });
  }
  console.log(`${count} storms weathered`);
}
