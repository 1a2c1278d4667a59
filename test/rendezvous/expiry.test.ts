import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { PeerOptions } from "../../src/peer/options.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { issueToken } from "../../src/rendezvous/access_token.ts";
import { Expiry } from "../../src/rendezvous/expiry.ts";
import type { NodeEvent } from "../../src/rendezvous/events.ts";
import type { NodeChange } from "../../src/peer/peer_events.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

const issuer = await generateIdentity();
/** Seconds; clocks of issuer and node may differ by a minute, for which the node adds one. */
const TTL = 60;
const OVER = (TTL + 60) * 1_000;

describe("access that ends", () => {
  let world: VirtualWorld;
  afterEach(() => world.end());

  /** Virtual time no faster than real time: a token's signature is checked in threads of the runtime. */
  async function calmly(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 3_000) throw new Error(`waited in vain until ${condition}`);
      await sleep(1);
      await world.clock.advance(1);
    }
  }
  async function open(key: Identity, token: PeerOptions["token"]): Promise<Peer> {
    let opened: Peer | undefined;
    world.opening({ key, token }).then((peer) => opened = peer);
    await calmly(() => opened !== undefined);
    return opened!;
  }

  async function start(): Promise<string[]> {
    world = new VirtualWorld();
    await world.start("ws://127.0.0.1", { access: { kind: "token", issuers: [issuer.id] } });
    const ends: string[] = [];
    world.node().addEventListener("lost", (event) => void ends.push((event as NodeEvent).reason));
    return ends;
  }
  const tokenFor = (peer: PeerId, ttl: number = TTL, by: Identity = issuer) =>
    issueToken(by, { peer, network: "default", ttl, now: world.clock.wall() });

  it("by a token's time ends the session, which goes on with a fresh one that the program is asked for", async () => {
    const ends = await start();
    const [a, b] = [await generateIdentity(), await generateIdentity()];
    let asked = 0;
    const dialer = await open(a, () => (asked++, tokenFor(a.id)));
    const listener = await open(b, () => tokenFor(b.id, 3_600));
    const linked = nextLink(listener);
    const link = await world.run(dialer.dial(b.id));
    const heard = collect(await world.run(linked));
    await world.pass(OVER - 3_000, 250);
    assert.deepEqual(ends, []);
    await world.pass(2_900, 50);
    await calmly(() => ends.length > 0 && world.node().sessions === 2);
    assert.deepEqual(ends, ["expired"]);
    assert.equal(asked, 2);
    await world.run(link.send("after"));
    assert.deepEqual(heard, ["after"]);
  });

  it("by a token that is always the same ends it for good, and the program hears why", async () => {
    await start();
    const a = await generateIdentity();
    const peer = await open(a, await tokenFor(a.id));
    let last: NodeChange | undefined;
    peer.addEventListener("node", (change) => last = change);
    await world.pass(OVER - 100, 250);
    await calmly(() => last?.state === "stopped");
    assert.equal(last!.reason, "unauthorized");
    assert.match(last!.text!, /token has expired/);
    assert.equal(world.node().sessions, 0);
  });

  it("by a change of keys stays for those whose key still signs, and no others", async () => {
    await start();
    const other = await generateIdentity();
    await world.node().controls.setAccess({ kind: "token", issuers: [issuer.id, other.id] });
    const [a, b] = [await generateIdentity(), await generateIdentity()];
    await open(a, await tokenFor(a.id));
    await open(b, await tokenFor(b.id, TTL, other));
    await world.node().controls.setAccess({ kind: "token", issuers: [other.id] });
    await calmly(() => world.node().sessions === 1);
    assert.deepEqual([...world.node().peers()], [b.id]);
  });
});

describe("an expiry", () => {
  it("ends each at its time, never before, none that left, and leaves no timer", async () => {
    const stays = fc.array(fc.record({ until: fc.nat(20_000_000), leaves: fc.option(fc.nat(20_000_000)) }));
    await fc.assert(
      fc.asyncProperty(stays, async (stays) => {
        const clock = new VirtualClock();
        const ended = new Map<number, number>();
        const expiry = new Expiry<number>(clock, (holder) => void ended.set(holder, clock.now()));
        for (const [i, { until, leaves }] of stays.entries()) {
          expiry.add(i, VirtualClock.EPOCH + until);
          if (leaves !== null) clock.after(leaves, () => expiry.delete(i));
        }
        await clock.advance(20_001_000);
        for (const [i, { until, leaves }] of stays.entries()) {
          const at = ended.get(i);
          if (at === undefined) assert(leaves !== null && leaves <= until + 100);
          else assert(at >= until && at <= until + 101 && (leaves === null || leaves >= until));
        }
        assert.equal(clock.timers, 0);
      }),
      { numRuns: 30 },
    );
  });
});
