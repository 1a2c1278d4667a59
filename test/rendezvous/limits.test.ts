import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import { AddressCounts } from "../../src/rendezvous/address_counts.ts";
import type { Admission } from "../../src/rendezvous/admission.ts";
import { limitEffects } from "../../src/rendezvous/limit_change.ts";
import { DEFAULT_LIMITS, nodeLimits, readLimits, writeLimits } from "../../src/rendezvous/node_limits.ts";
import { ratesOf } from "../../src/rendezvous/quotas.ts";
import { Throttle } from "../../src/rendezvous/throttle.ts";
import { pressureStep, toShed } from "../../src/rendezvous/shedding.ts";
import type { Rate } from "../../src/wire/protocol.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { bytes, meetInMemory, memoryNode, settle, stopNodes, type TestPeer, until } from "./peers.ts";

const rates = (peer: TestPeer): Rate[] =>
  peer.frames.flatMap((frame) => frame.kind === "rate" ? [frame] : []);

describe("limits as an operator writes them", () => {
  it("are read back as they were written", () => {
    const limits = nodeLimits({ sessions: 7 });
    assert.deepEqual(nodeLimits(readLimits(JSON.parse(JSON.stringify(writeLimits(limits))))), limits);
  });

  it("that are wrong are refused, and what to write is said", () => {
    assert.throws(() => readLimits([]), /such as \{"sessions": 1000\}/);
    assert.throws(() => readLimits({ session: 3 }), /there is no limits\.session; there are: .*sessions,/);
    assert.throws(() => readLimits({ queue: "4 MiB" }), /limits\.queue is a number from 1 .*not "4 MiB"/);
    assert.throws(() => readLimits({ payload: 1e9 }), /limits\.payload is a number from 1 to 131072/);
    assert.throws(() => readLimits({ framesPerSecond: 0 }), /above 0/);
    assert.equal(readLimits({ framesPerSecond: 0.5 }).framesPerSecond, 0.5);
    assert.throws(() => readLimits({ toString: 1 }), /there is no limits\.toString/);
  });
});

describe("a change of limits", () => {
  it("tells rates exactly when one of them changed, and looks at the memory exactly when its ceiling did", () => {
    const names = Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[];
    fc.assert(fc.property(fc.subarray(names), (changed) => {
      const after = { ...DEFAULT_LIMITS };
      for (const name of changed) after[name] = 77_777;
      const types = limitEffects(DEFAULT_LIMITS, after).map(({ type }) => type);
      const ofRates = changed.some((name) => /^(frame|byte)(s|Burst)/.test(name));
      assert.deepEqual(types, [
        ...ofRates ? ["tell-rates"] : [],
        ...changed.includes("memory") ? ["look-at-memory"] : [],
      ]);
    }));
  });
});

describe("a throttle", () => {
  it("lets through what the rates allow and never more, whatever is asked for", () => {
    const asked = fc.record({
      frames: fc.integer({ min: 1, max: 256 }),
      size: fc.nat(70_000),
      after: fc.nat(500),
    });
    fc.assert(fc.property(fc.array(asked), fc.integer({ min: 1, max: 9_000 }), (list, framesPerSecond) => {
      const limits = ratesOf(
        nodeLimits({ framesPerSecond, frameBurst: 300, bytesPerSecond: 100_000, byteBurst: 2e6 }),
      );
      const throttle = new Throttle(limits, 0);
      let [now, frames, size] = [0, 0, 0];
      for (const each of list) {
        now += each.after;
        const wait = throttle.take(each.frames, each.size, limits, now);
        if (wait === 0) [frames, size] = [frames + each.frames, size + each.size];
        assert.ok(frames <= 300 + framesPerSecond * now / 1_000 + 1e-6);
        assert.ok(size <= 2e6 + 100_000 * now / 1_000 + 1e-6);
        // What is said of the wait is true.
        if (wait > 0) assert.equal(throttle.take(each.frames, each.size, limits, now += wait + 1e-6), 0);
        if (wait > 0) [frames, size] = [frames + each.frames, size + each.size];
      }
    }));
  });

  it("of quotas is never above the node's own", () => {
    const limits = nodeLimits({ framesPerSecond: 10 });
    assert.equal(ratesOf(limits, { framesPerSecond: 100 }).framesPerSecond, 10);
    assert.equal(ratesOf(limits, { bytesPerSecond: 100 }).bytesPerSecond, 100);
  });
});

describe("shedding", () => {
  it("begins above the ceiling and ends below nine tenths of it", () => {
    assert.equal(pressureStep("open", 100, 100), "open");
    assert.equal(pressureStep("open", 101, 100), "closed");
    assert.equal(pressureStep("closed", 95, 100), "closed");
    assert.equal(pressureStep("closed", 90, 100), "open");
  });

  it("takes handshakes before peers, and of each the newest", () => {
    const strangers = fc.array(fc.record({ since: fc.nat(999), pending: fc.boolean() }), { maxLength: 300 });
    fc.assert(fc.property(strangers, (list) => {
      const shed = toShed(list);
      assert.equal(shed.length, Math.min(list.length, Math.max(8, Math.ceil(list.length / 20))));
      const kept = list.filter((one) => !shed.includes(one));
      const rank = ({ pending, since }: { pending: boolean; since: number }) => (pending ? 1_000 : 0) + since;
      assert.ok(Math.min(...shed.map(rank)) >= Math.max(-Infinity, ...kept.map(rank)) || kept.length === 0);
    }));
  });
});

describe("sessions of an address", () => {
  it("are counted for an IPv4 address or an IPv6 /64, however it is written", () => {
    const counts = new AddressCounts();
    counts.enter("::ffff:192.0.2.1");
    counts.enter("2001:db8::1");
    counts.enter("2001:db8:0:0:ffff::2");
    counts.enter("");
    assert.deepEqual(["192.0.2.1", "2001:db8::3", "2001:db8:0:1::3", ""].map((each) => counts.of(each)), [
      1,
      2,
      0,
      0,
    ]);
    counts.leave("2001:db8::1");
    counts.leave("2001:db8::2");
    assert.equal(counts.of("2001:db8::1"), 0);
  });
});

describe("a running node", () => {
  afterEach(stopNodes);

  it("lets one address have so many handshakes under way, and others theirs; the limit changes while it runs", async () => {
    const node = await memoryNode({ limits: { handshakesPerAddress: 2 } });
    const { id } = await generateIdentity();
    const admit = (address: string) =>
      node.admit(id, address) as Admission & { status?: number; text?: string };
    const [first] = [admit("2001:db8::1"), admit("2001:db8::2")];
    const third = admit("2001:db8::3");
    assert.equal(third.status, 429);
    assert.match(third.text!, /from your address are under way/);
    assert.equal(node.turnsAway("2001:db8::4", { waiting: 0, fromThere: 0 })?.status, 429);
    assert.equal(node.turnsAway("192.0.2.1", { waiting: 0, fromThere: 1 }), undefined);
    assert.equal(node.turnsAway("192.0.2.1", { waiting: 0, fromThere: 2 })?.status, 429);
    for (let i = 0; i < 5; i++) assert.equal(admit("127.0.0.1").status, undefined, "loopback is not bounded");
    assert.match(node.metricsText(), /handshake_failures_total\{reason="over-quota"\} 3\n/);
    node.controls.setLimits({ handshakesPerAddress: 3 });
    assert.equal(admit("2001:db8::3").status, undefined);
    assert.equal(admit("2001:db8::4").status, 429);
    first!.release();
    assert.equal(admit("2001:db8::4").status, undefined, "a place that is given back is another one's");
  });

  it("sends those away before their turn who come too often, are banned, or come when it leaves", async () => {
    const node = await memoryNode({ limits: { handshakesPerSecond: 0.001, handshakeBurst: 1 } });
    const { id } = await generateIdentity();
    const outside = (address: string) => node.turnsAway(address, { waiting: 0, fromThere: 0 })?.reason;
    assert.equal(outside("192.0.2.1"), undefined);
    assert.equal(outside("192.0.2.1"), undefined, "to ask takes nothing of the rate");
    node.admit(id, "192.0.2.1");
    assert.equal(outside("192.0.2.1"), Reason.rateLimited);
    node.ban("192.0.2.7");
    assert.equal(outside("192.0.2.7"), Reason.banned);
    assert.equal(node.turnsAway("192.0.2.8", { waiting: 1_000, fromThere: 0 })?.reason, Reason.overCapacity);
    await node.drain(0);
    assert.equal(outside("192.0.2.9"), Reason.draining);
  });

  it("tells a connected peer its new rate at once, and holds it to that", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    assert.deepEqual(rates(a), []); // nothing is bounded
    node.controls.setLimits({ framesPerSecond: 1, frameBurst: 256 });
    await until(() => rates(a).length === 1);
    const { framesPerSecond, frameBurst, bytesPerSecond, pause } = rates(a)[0]!;
    assert.deepEqual([framesPerSecond, frameBurst, bytesPerSecond, pause], [1, 256, 0, 0]);
    for (let i = 0; i < 300; i++) a.send(b, bytes("x"));
    await until(() => rates(a).length === 2);
    await settle();
    assert.ok(rates(a)[1]!.pause > 0);
    assert.equal(rates(a).length, 2); // not for each frame
    assert.ok(b.heard.length >= 256 && b.heard.length < 300, String(b.heard.length));
    assert.ok(a.notices().some(({ reason }) => reason === Reason.rateLimited));
    assert.match(node.metricsText(), /waymeet_throttled_total 1\n/);
    assert.match(node.metricsText(), /waymeet_limit\{name="framesPerSecond"\} 1\n/);
    assert.match(node.metricsText(), /waymeet_limit\{name="bytesPerSecond"\} \+Inf\n/);
    node.controls.setLimits({ framesPerSecond: Infinity });
    await until(() => rates(a).length === 3);
    const before = b.heard.length;
    a.send(b, bytes("free"));
    await until(() => b.heard.length === before + 1);
  });

  it("keeps its limits when a change is wrong", async () => {
    const node = await memoryNode();
    assert.throws(() => node.controls.setLimits({ sessions: 5, queue: -1 }), /limits\.queue/);
    assert.deepEqual({ ...node.limits }, DEFAULT_LIMITS);
  });

  it("refuses messages that a lowered limit no longer relays, of peers that are here", async () => {
    const node = await memoryNode();
    const [a, b] = [await meetInMemory(node), await meetInMemory(node)];
    a.send(b, new Uint8Array(40_000));
    await until(() => b.heard.length === 1);
    node.controls.setLimits({ message: 32_768 });
    a.send(b, new Uint8Array(40_000));
    await until(() => a.notices().length === 1);
    assert.equal(a.notices()[0]!.reason, Reason.tooLarge);
    assert.equal(b.heard.length, 1);
  });

  it("grants an address so many sessions, and gives back those that end", async () => {
    const node = await memoryNode({ limits: { sessionsPerAddress: 2 } });
    const [first] = [await meetInMemory(node), await meetInMemory(node)];
    const third = await meetInMemory(node);
    await until(() => third.end !== undefined);
    assert.equal(third.end!.reason, Reason.overQuota);
    assert.match(third.end!.text, /as many sessions/);
    first!.session.close(Reason.closed);
    await until(() => node.sessions === 1);
    assert.ok((await meetInMemory(node)).isReady);
  });

  it("counts a peer that comes back over a new socket once", async () => {
    const node = await memoryNode({ limits: { sessionsPerAddress: 1 } });
    const instance = new Uint8Array(16).fill(5);
    const { identity } = await meetInMemory(node, { instance, started: 5 });
    const again = await meetInMemory(node, { identity, instance, started: 5 });
    assert.ok(again.isReady);
    await settle();
    again.session.close(Reason.closed);
    await until(() => node.sessions === 0);
    assert.ok((await meetInMemory(node)).isReady);
  });

  it("answers 429 to an address that begins too many handshakes, and goes on with others", async () => {
    const clock = new VirtualClock();
    const node = await memoryNode({ clock, limits: { handshakesPerSecond: 1, handshakeBurst: 2 } });
    const admit = (address: string) => {
      const admission = node.admit(node.id, address);
      if ("status" in admission) return admission.status;
      admission.release();
      return 101;
    };
    assert.deepEqual([admit("192.0.2.7"), admit("192.0.2.7"), admit("192.0.2.7")], [101, 101, 429]);
    assert.deepEqual([admit("192.0.2.8"), admit(""), admit("")], [101, 101, 101]);
    assert.deepEqual([admit("2001:db8::1"), admit("2001:db8::2"), admit("2001:db8::3")], [101, 101, 429]);
    await clock.advance(1_000);
    assert.deepEqual([admit("192.0.2.7"), admit("192.0.2.7")], [101, 429]);
    assert.match(node.metricsText(), /handshake_failures_total\{reason="rate-limited"\} 3\n/);
  });

  it("short of memory takes nobody new and sends strangers away, the newest first, and no link ever", async () => {
    let held = 50;
    const node = await memoryNode({ memory: () => held, limits: { memory: 100 } });
    const [a, b, ...strangers] = await Promise.all(Array.from({ length: 14 }, () => meetInMemory(node)));
    a!.send(b!, bytes("a link"));
    await until(() => b!.heard.length === 1);
    held = 101;
    node.controls.setLimits({ memory: 99 }); // looks at once
    await until(() => node.sessions === 14 - 8);
    await until(() => strangers.filter(({ end }) => end?.reason === Reason.overCapacity).length === 8);
    node.controls.setLimits({ memory: 98 });
    await until(() => node.sessions === 2);
    node.controls.setLimits({ memory: 97 });
    await settle();
    assert.deepEqual([a!.end, b!.end], [undefined, undefined]);
    const late = node.admit(a!.identity.id, "192.0.2.1");
    assert.ok("status" in late && late.status === 503 && /memory/.test(late.text));
    node.controls.setLimits({ memory: Infinity });
    assert.ok((await meetInMemory(node)).isReady);
    assert.match(node.metricsText(), /waymeet_shed_total 12\n/);
  });
});
