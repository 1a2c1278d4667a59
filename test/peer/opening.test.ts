import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import type { NodeOptions } from "../../src/rendezvous/node.ts";
import { WaymeetError } from "../../src/wire/error.ts";
import { VirtualWorld } from "./virtual_world.ts";

const [ONE, TWO, THREE] = ["ws://127.0.0.1", "ws://127.0.0.2", "ws://127.0.0.3"] as const;

const code = (expected: string) => (error: unknown) => {
  assert(error instanceof WaymeetError, String(error));
  assert.equal(error.code, expected);
  return true;
};

describe("opening a peer", () => {
  let world: VirtualWorld;
  beforeEach(() => void (world = new VirtualWorld()));
  afterEach(async () => {
    await world.end();
    assert.equal(world.clock.timers, 0);
  });

  it("the first of several nodes may be dead", async () => {
    await world.start(TWO);
    const peer = await world.run(world.opening({ nodes: [ONE, TWO] }), 100);
    assert.equal(peer.node?.url, TWO);
  });

  it("the only living of three nodes is found, however slow it is", async () => {
    await world.start(THREE);
    for (let i = 0; i < 10; i++) {
      const peer = await world.run(world.opening({ nodes: [ONE, TWO, THREE] }), 5_000);
      assert.equal(peer.node?.url, THREE);
    }
  });

  it("when every node is dead that is said at once, also when one is named twice", async () => {
    await assert.rejects(
      world.run(world.opening({ nodes: [ONE, ONE, `${ONE}/`] }), 100),
      code("node-unreachable"),
    );
    await assert.rejects(world.run(world.opening({ nodes: [ONE, TWO] }), 100), code("node-unreachable"));
  });

  it("a node that turns the peer away leaves it to the others", async () => {
    const { id } = await generateIdentity();
    const strict: Partial<NodeOptions> = { access: { kind: "allow-list", peers: [id] } };
    await world.start(ONE, strict);
    await world.start(TWO);
    await world.start(THREE, strict);
    const peer = await world.run(world.opening({ nodes: [ONE, THREE, TWO] }), 5_000);
    await world.clock.advance(60_000);
    assert.equal(peer.closed, false);
    assert.deepEqual(peer.nodes.map(({ url }) => url), [TWO]);
  });

  it("when one node is dead and the other says no, the no is told", async () => {
    const { id } = await generateIdentity();
    await world.start(ONE, { access: { kind: "allow-list", peers: [id] } });
    await assert.rejects(world.run(world.opening({ nodes: [ONE, TWO] }), 5_000), code("unauthorized"));
  });

  it("a node that accepts the connection and says nothing is unreachable", async () => {
    await world.start(ONE);
    const opening = world.opening();
    opening.catch(() => {});
    await world.clock.advance(5);
    world.blackhole(ONE);
    await assert.rejects(world.run(opening, 20_000), code("node-unreachable"));
  });

  it("one node under two names is one node: the peer stays, and does not flap", async () => {
    await world.start(ONE);
    const station = world.stations.get(ONE)!;
    world.stations.set(TWO, station);
    const peer = await world.run(world.opening({ nodes: [ONE, TWO] }), 5_000);
    let changes = 0;
    peer.addEventListener("node", () => changes++);
    await world.clock.advance(60_000);
    assert.equal(peer.closed, false);
    assert(changes <= 20, `${changes} changes in a minute`);
    world.stations.delete(TWO);
  });

  it("a signal that fired before, or while a node does not answer, rejects with aborted", async () => {
    await world.start(ONE);
    await assert.rejects(world.run(world.opening({ signal: AbortSignal.abort() }), 10), code("aborted"));
    const controller = new AbortController();
    const opening = world.opening({ signal: controller.signal });
    await world.clock.advance(1);
    controller.abort();
    await assert.rejects(world.run(opening, 10), code("aborted"));
  });

  it("a token that cannot be fetched is told as such", async () => {
    await world.start(ONE);
    const token = () => Promise.reject(new Error("the vault is shut"));
    await assert.rejects(world.run(world.opening({ token }), 5_000), /token function/);
  });

  it("options that make no sense are a caller's mistake, before anything is dialled", async () => {
    await world.start(ONE);
    await assert.rejects(world.run(world.opening({ reconnect: { min: -1 } }), 100), RangeError);
    await assert.rejects(world.run(world.opening({ reconnect: { min: 500, max: 100 } }), 100), RangeError);
    await assert.rejects(world.run(world.opening({ reconnect: { maxAttempts: NaN } }), 100), RangeError);
    await assert.rejects(world.run(world.opening({ network: "n".repeat(300) }), 100), RangeError);
    await assert.rejects(world.run(world.opening({ nodes: "ws://127.0.0.1" }), 100), /list/);
  });
});
