import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PeerRecord } from "../../src/wire/protocol.ts";
import { nodeId, peerId, recordOf, World } from "./presence_world.ts";

const NODES = 4;
const PEERS = 5;
const node = fc.nat(NODES - 1);
const peer = fc.nat(PEERS - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant("move" as const), peer, node, node, fc.nat(3)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("publish" as const), peer, node) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("leave" as const), peer, node) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("connect" as const), node, node) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("disconnect" as const), node, node) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restart" as const), node) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("tick" as const), fc.nat(2000)) },
  { weight: 12, arbitrary: fc.tuple(fc.constant("deliver" as const), fc.nat(99), fc.nat(9), fc.nat(9)) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The world, and where each peer truly is. */
class Truth {
  readonly world: World = new World(NODES);
  readonly records: (PeerRecord | undefined)[] = Array(PEERS).fill(undefined);
  /** `peer node` of every session, old ones that have not ended included. */
  readonly sessions: Set<string> = new Set();

  do(step: Step): void {
    const { world } = this;
    world.now += 1;
    switch (step[0]) {
      case "move":
        return this.move(step[1], step[2], step[3], step[4]);
      case "publish":
        return this.publish(step[1], step[2]);
      case "leave":
        return this.leave(step[1], step[2]);
      case "connect":
        return world.connect(step[1], step[2]);
      case "disconnect":
        return world.disconnect(step[1], step[2]);
      case "restart":
        for (let peer = 0; peer < PEERS; peer++) this.sessions.delete(`${peer} ${step[1]}`);
        return world.restart(step[1]);
      case "tick":
        world.now += step[1];
        return world.nodes.forEach((node, i) => world.act(i, node.tick(world.now)));
      case "deliver":
        return this.deliver(step[1], step[2], step[3]);
    }
  }

  /** The peer tells of new nodes, to the first of them at once; fate 0: as a new process. */
  move(peer: number, home: number, standby: number, fate: number): void {
    const before = this.records[peer];
    const { now } = this.world;
    this.records[peer] = recordOf(peer, [home, standby], {
      started: fate === 0 || !before ? now : before.started,
      sequence: (before?.sequence ?? 0) + 1,
      issued: now,
      expires: now + 300_000,
    });
    this.publish(peer, home);
  }

  publish(peer: number, node: number): void {
    const record = this.records[peer];
    if (!record || !names(record, node)) return;
    assert.equal(this.world.here(node, record), undefined);
    this.sessions.add(`${peer} ${node}`);
  }

  leave(peer: number, node: number): void {
    this.sessions.delete(`${peer} ${node}`);
    this.world.gone(node, peer);
  }

  /** Some frame of some wire, in any order, perhaps lost or twice. */
  deliver(wire: number, at: number, fate: number): void {
    const busy = this.world.busy();
    if (busy.length === 0) return;
    const [from, to, frames] = busy[wire % busy.length]!;
    const [frame] = frames.splice(at % frames.length, 1);
    if (fate > 1) this.world.receive(to, from, frame!);
    if (fate === 9) this.world.receive(to, from, frame!);
  }

  /** Sessions at nodes that the newest record does not name end at last, as do losses. */
  settle(): void {
    for (const session of this.sessions) {
      const [peer, node] = session.split(" ").map(Number) as [number, number];
      if (!names(this.records[peer]!, node)) this.leave(peer, node);
      else this.publish(peer, node);
    }
    this.world.connectAll();
    this.world.run(12);
  }

  /** Where `find` must find the peer. */
  expected(peer: number): string[] | undefined {
    const record = this.records[peer];
    const at = [...Array(NODES).keys()].filter((node) => this.sessions.has(`${peer} ${node}`));
    const nodes = record?.nodes.map((key) => new DataView(key.buffer).getUint32(0)) ?? [];
    const listed = [...new Set(nodes)].filter((node) => at.includes(node)).map(nodeId);
    return listed.length > 0 ? listed : undefined;
  }
}

function names(record: PeerRecord, node: number): boolean {
  return record.nodes.some((key) => new DataView(key.buffer).getUint32(0) === node);
}

describe("presence, whatever happens", () => {
  it("converges to the truth on all nodes once losses end: order, doubling, loss, partitions, restarts", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), (steps) => {
        const truth = new Truth();
        truth.world.connectAll();
        for (const step of steps) truth.do(step);
        truth.settle();
        for (let peer = 0; peer < PEERS; peer++) {
          for (const node of truth.world.nodes) {
            assert.deepEqual(node.find(peerId(peer))?.nodes, truth.expected(peer));
          }
        }
        for (let i = 1; i < NODES; i++) assert.deepEqual(truth.world.view(i), truth.world.view(0));
      }),
      { numRuns: 200 },
    );
  });

  it("says nothing more once all have the same, but one question and an empty answer", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: "max" }), (steps) => {
        const truth = new Truth();
        for (const step of steps) truth.do(step);
        truth.settle();
        const { presence, frames } = { ...truth.world.sent };
        truth.world.run(5);
        assert.equal(truth.world.sent.presence, presence);
        assert.equal(truth.world.sent.frames - frames, 5 * NODES * 2);
      }),
      { numRuns: 50 },
    );
  });

  it("no node changes what another one wrote, and each node's versions only grow", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80, size: "max" }), (steps) => {
        const truth = new Truth();
        truth.world.connectAll();
        const last = new Map<string, [number, number]>();
        for (const step of steps) {
          const { nodes } = truth.world;
          truth.do(step);
          for (const [i, node] of nodes.entries()) checkOwn(node.origins()[0]!, last, `${i}`);
          for (let i = 0; i < NODES; i++) truth.world.effects[i]!.length = 0;
        }
      }),
      { numRuns: 50 },
    );
  });
});

function checkOwn(
  { epoch, version }: { epoch: number; version: number },
  last: Map<string, [number, number]>,
  name: string,
): void {
  const [epochBefore, versionBefore] = last.get(name) ?? [0, 0];
  assert.ok(epoch > epochBefore || (epoch === epochBefore && version >= versionBefore));
  last.set(name, [epoch, version]);
}
