import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import { type KeptGuest, ObjectGateway } from "../../src/rendezvous/object_gateway.ts";
import { ObjectPeer } from "../../src/rendezvous/object_peer.ts";
import type { GatewayPort, ObjectPorts, PeerPort } from "../../src/rendezvous/object_ports.ts";
import { type Clock, systemClock } from "../../src/session/clock.ts";
import type { NodeLimits } from "../../src/rendezvous/node_limits.ts";
import { signAnnouncement, topicKey } from "../../src/wire/announcement.ts";
import { encodeAnnounce, encodeLookup, encodeWatch } from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { bytes, dialling, memoryConnect, publishOf, type TestPeer, texts, until } from "./peers.ts";

/** A port whose calls cross a border, as those between objects do: cloned, and later. */
function across<Port extends object>(find: () => Port): Port {
  return new Proxy({} as Port, {
    get: (_, method: string) => async (...words: unknown[]) => {
      const cloned = structuredClone(words);
      await Promise.resolve();
      const object = find() as Record<string, (...words: unknown[]) => Promise<unknown>>;
      return structuredClone(await object[method]!(...cloned));
    },
  });
}

/** The timers of an object, which end with it. */
function mortal(): { clock: Clock; die(): void } {
  const timers = new Set<() => void>();
  const after = (delay: number, run: () => void) => {
    const cancel = systemClock.after(delay, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
    return () => {
      timers.delete(cancel);
      cancel();
    };
  };
  return { clock: { ...systemClock, after }, die: () => timers.forEach((cancel) => cancel()) };
}

/** Objects that can be put to sleep: of each only what it keeps is left. */
class World {
  readonly shelf = new Map<PeerId, KeptGuest>();
  readonly #identity: Identity;
  readonly #objects = new Map<PeerId, ObjectPeer>();
  readonly #limits: Partial<NodeLimits>;
  gateway!: ObjectGateway;
  #life = mortal();
  readonly #ports: ObjectPorts = {
    peer: (id) => across<PeerPort>(() => this.object(id)),
    gateway: across<GatewayPort>(() => this.gateway),
  };

  private constructor(identity: Identity, limits: Partial<NodeLimits>) {
    this.#identity = identity;
    this.#limits = limits;
  }

  static async open(limits: Partial<NodeLimits> = {}): Promise<World> {
    const world = new World(await generateIdentity(), limits);
    await world.restartGateway();
    return world;
  }

  get #options() {
    return {
      identity: this.#identity,
      access: { kind: "open" },
      hosts: "any",
      limits: this.#limits,
    } as const;
  }

  async restartGateway(): Promise<void> {
    const { shelf } = this;
    this.#life.die();
    this.#life = mortal();
    this.gateway = new ObjectGateway({ ...this.#options, clock: this.#life.clock }, this.#ports.peer, {
      put: (peer, kept) => void shelf.set(peer, structuredClone(kept)),
      remove: (peer) => void shelf.delete(peer),
      all: () => structuredClone(shelf),
    });
    await this.gateway.restore();
  }

  object(id: PeerId): ObjectPeer {
    const object = this.#objects.get(id) ?? new ObjectPeer(this.#options, this.#ports, false, () => {});
    this.#objects.set(id, object);
    return object;
  }

  async meet(identity?: Identity, started?: number): Promise<TestPeer> {
    const own = identity ?? await generateIdentity();
    const { node } = this.object(own.id);
    let socket: TestPeer["nodeSocket"];
    const peer = await dialling("ws://127.0.0.1", memoryConnect(node, (server) => socket = server), {
      identity: own,
      started,
    });
    peer.nodeSocket = socket;
    await until(() => peer.isReady || peer.end !== undefined);
    return peer;
  }

  sleep(peer: TestPeer): void {
    const { id } = peer.identity;
    const kept = structuredClone(this.object(id).kept!);
    this.#objects.delete(id);
    peer.nodeSocket!.handlers = this.object(id).resume(peer.nodeSocket!, kept);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#objects.values()].map(({ node }) => node.drain(0)));
    await this.gateway.node.drain(0);
    this.#life.die();
  }
}

async function within(run: (world: World) => Promise<void>, limits?: Partial<NodeLimits>): Promise<void> {
  const world = await World.open(limits);
  await run(world);
  await world.end();
}

describe("a node of many objects", () => {
  it("relays from object to object, answers for the absent, and tells who left, asleep in between", () =>
    within(async (world) => {
      const [a, b] = [await world.meet(), await world.meet()];
      a.sendAll([b, bytes("one")], [new Uint8Array(32).fill(7), bytes("?")], [b, bytes("two")]);
      await until(() => b.heard.length === 2 && a.notices().length === 1);
      assert.deepEqual(texts(b.heard), ["one", "two"]);
      assert.equal(b.messages, 1, "a batch stays one");
      assert.equal(a.notices()[0]!.reason, Reason.absent);
      world.sleep(a);
      world.sleep(b);
      b.send(a, bytes("three"));
      await until(() => a.heard.length === 1);
      assert.deepEqual(a.heard[0]!.from, b.key);
      world.sleep(b);
      b.session.close(Reason.closed);
      await until(() => a.notices().length === 2);
      assert.deepEqual(a.notices()[1], { kind: "notice", reason: Reason.gone, peer: b.key });
    }));

  it("keeps a record while its peer is here, also asleep", () =>
    within(async (world) => {
      const [a, b] = [await world.meet(), await world.meet()];
      b.session.send(await publishOf(b, [b.session.hello!.node]));
      await until(() => world.object(b.identity.id).kept?.record != null);
      world.sleep(b);
      a.session.send(encodeLookup(1, b.key));
      await until(() => a.found().length === 1);
      assert.equal(a.found()[0]!.reason, Reason.none);
      b.session.close(Reason.closed);
      await until(() => a.notices().length === 1);
      a.session.send(encodeLookup(2, b.key));
      await until(() => a.found().length === 2);
      assert.equal(a.found()[1]!.reason, Reason.absent);
    }));

  it("has watches and topics that outlive the sleep of the gateway", () =>
    within(async (world) => {
      const [a, b] = [await world.meet(), await world.meet()];
      const node = b.session.hello!.node;
      for (const peer of [a, b]) peer.session.send(await publishOf(peer, [node]));
      a.session.send(encodeWatch([b.key]));
      const tea = await topicKey("default", "tea", "");
      for (const { session, identity } of [a, b]) {
        const issued = Date.now();
        const announcement = await signAnnouncement(tea.identity, identity, {
          issued,
          expires: issued + 60_000,
          network: "default",
        });
        session.send(encodeAnnounce(announcement, true));
      }
      const frames = (kind: string) => a.frames.filter((frame) => frame.kind === kind);
      await until(() =>
        frames("sighting").some((frame) => frame.kind === "sighting" && frame.reason === Reason.none)
      );
      await until(() => world.shelf.get(a.identity.id)?.frames.length === 3);
      await world.restartGateway();
      assert.equal(world.gateway.node.sessions, 2);
      b.session.close(Reason.closed);
      await until(() => {
        const last = frames("sighting").at(-1);
        return last?.kind === "sighting" && last.reason === Reason.absent;
      });
      await until(() => frames("member").some((frame) => frame.kind === "member" && !frame.present));
      assert.equal(world.shelf.has(b.identity.id), false);
    }));

  it("has one session per key: what is said of the older one does not hit the newer", () =>
    within(async (world) => {
      const identity = await generateIdentity();
      const started = Date.now();
      const older = await world.meet(identity, started);
      const newer = await world.meet(identity, started + 1);
      await until(() => older.end !== undefined);
      assert.equal(older.end!.reason, Reason.replaced);
      await world.object(identity.id).end(older.session.id, Reason.banned, "", []);
      newer.send(newer, bytes("here"));
      await until(() => newer.heard.length === 1);
      assert.equal(world.gateway.node.sessions, 1);
    }));

  it("has room for so many peers in all, and sends all of them off", () =>
    within(async (world) => {
      const [a, b] = [await world.meet(), await world.meet()];
      const third = await world.meet();
      assert.equal(third.end!.reason, Reason.overCapacity);
      await world.gateway.node.drain();
      await until(() => a.end !== undefined && b.end !== undefined);
      assert.deepEqual([a.end!.reason, b.end!.reason], [Reason.draining, Reason.draining]);
      assert.equal((await world.meet()).end!.reason, Reason.draining);
    }, { sessions: 2 }));

  it("finds those that ended without a word", () =>
    within(async (world) => {
      const a = await world.meet();
      await until(() => world.gateway.node.sessions === 1);
      world.object(a.identity.id).seat!.live = false; // the object is another one, without the session
      await world.gateway.sweep();
      assert.equal(world.gateway.node.sessions, 0);
    }));

  it("wakes no more objects for a peer than it may look up", () =>
    within(async (world) => {
      const a = await world.meet();
      for (let i = 0; i < 200; i++) a.send(new Uint8Array(32).fill(i + 1), bytes("?"));
      await until(() => a.notices().length === 200);
      const times = (reason: Reason) => a.notices().filter((notice) => notice.reason === reason).length;
      assert.ok(times(Reason.absent) >= 10, "as many as at once, and one more each second");
      assert.equal(times(Reason.absent) + times(Reason.rateLimited), 200);
      assert.ok(times(Reason.rateLimited) > 100);
    }, { lookupBurst: 10, lookupsPerSecond: 1 }));

  it("keeps less of a session than a platform allows", () =>
    within(async (world) => {
      const a = await world.meet();
      for (let i = 0; i < 100; i++) a.send(new Uint8Array(32).fill(i + 1), bytes("?"));
      a.session.send(await publishOf(a, [a.session.hello!.node]));
      await until(() => a.notices().length === 100);
      const kept = world.object(a.identity.id).kept!;
      assert.equal(kept.correspondents.length, 64);
      const size = kept.correspondents.length * 64 + JSON.stringify({ ...kept, correspondents: [] }).length;
      assert.ok(size < 16_384, `${size}`);
    }));
});
