import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import { generateIdentity } from "../../src/identity/identity.ts";
import { BanFile, readBans, WRITE_AGAIN, writeBans } from "../../src/rendezvous/ban_file.ts";
import { parseSubject } from "../../src/rendezvous/ban_subject.ts";
import { type Ban, Bans } from "../../src/rendezvous/bans.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";
import { meetInMemory, memoryNode, settle, stopNodes, until } from "./peers.ts";

const { id } = await generateIdentity();
const ban = (subject: string, until = Infinity): Ban => ({ subject, reason: "no", until });

describe("whom a ban is about", () => {
  it("is written in one way", () => {
    const texts: [string, string | undefined][] = [
      [id, id],
      ["192.0.2.77/24", "192.0.2.0/24"],
      ["192.0.2.77/32", "192.0.2.77"],
      ["::ffff:192.0.2.77", "192.0.2.77"],
      ["2001:DB8::1/32", "2001:db8::/32"],
      ["agent:  BadBot/", "agent:badbot/"],
      ["0.0.0.0/0", undefined],
      ["192.0.2.0/33", undefined],
      ["agent:", undefined],
      ["agent:a\nb", undefined],
      ["everybody", undefined],
      ["", undefined],
    ];
    for (const [text, canonical] of texts) assert.equal(parseSubject(text)?.text, canonical, text);
  });

  it("is found by prefix exactly when the address begins with these bits", () => {
    const quad = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(quad, quad, fc.integer({ min: 1, max: 32 }), fc.boolean(), (of, other, bits, near) => {
        const asked = near ? of.map((byte, i) => i === 3 ? other[3]! : byte) : other;
        const bans = new Bans();
        bans.add(ban(`${of.join(".")}/${bits}`), 0);
        const text = (ip: Uint8Array) => [...ip].map((byte) => byte.toString(2).padStart(8, "0")).join("");
        const inside = text(of).slice(0, bits) === text(asked).slice(0, bits);
        assert.equal(bans.find({ address: asked.join(".") }, 0) !== undefined, inside);
      }),
    );
  });
});

describe("bans", () => {
  it("are those of a list that is searched from its end, whatever was added and lifted", () => {
    const subjects = [
      id,
      "192.0.2.1",
      "192.0.2.0/24",
      "192.0.0.0/16",
      "2001:db8::/32",
      "agent:bot",
      "agent:robot",
    ];
    const visitors = [
      { peer: id },
      { address: "192.0.2.1" },
      { address: "192.0.3.1" },
      { address: "2001:db8::7" },
      { agent: "Robot/1" },
      { peer: "other", address: "198.51.100.1", agent: "x" },
    ];
    const step = fc.record({ at: fc.nat(6), add: fc.boolean(), until: fc.nat(50), now: fc.nat(50) });
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bans = new Bans();
      const model = new Map<string, number>();
      let now = 0;
      for (const { at, add, until, now: later } of steps) {
        now = Math.max(now, later);
        const subject = subjects[at]!;
        if (add) bans.add(ban(subject, until), now);
        else bans.lift(subject);
        if (add) model.set(subject, until);
        else model.delete(subject);
        const held = [...model].filter(([, end]) => end > now).map(([text]) => text);
        assert.deepEqual(new Set(bans.list(now).map(({ subject }) => subject)), new Set(held));
        for (const visitor of visitors) {
          const expected = held.some((text) => covers(text, visitor));
          assert.equal(bans.find(visitor, now) !== undefined, expected, JSON.stringify({ visitor, held }));
        }
      }
    }));
  });

  function covers(
    subject: string,
    { peer, address = "", agent }: Record<string, string | undefined>,
  ): boolean {
    if (subject === id) return peer === id;
    if (subject.startsWith("agent:")) return agent?.toLowerCase().includes(subject.slice(6)) ?? false;
    const prefix =
      { "192.0.2.1": "192.0.2.1", "192.0.2.0/24": "192.0.2.", "192.0.0.0/16": "192.0." }[subject];
    return address.startsWith(prefix ?? "2001:db8:");
  }

  it("are read from a file as they were written", () => {
    const bans = [ban(id), ban("192.0.2.0/24", 1_800_000_000_000), ban("agent:bot")];
    assert.deepEqual(readBans(writeBans(bans)), bans);
  });

  it("that cannot be read are an error that says what to do", () => {
    assert.throws(() => readBans("{"), /not JSON .*correct or remove the file/);
    assert.throws(() => readBans("{}"), /a JSON list/);
    assert.throws(() => readBans('[{"subject":"nobody"}]'), /"nobody" is nobody to ban: write a PeerId/);
    assert.throws(() => readBans('[{"subject":"192.0.2.1","until":"soon"}]'), /ISO time/);
  });

  it("are written one after the other, the newest last", async () => {
    const written: string[] = [];
    let go = () => {};
    const store = {
      read: () => Promise.resolve(undefined),
      write: async (text: string) => {
        await new Promise<void>((resolve) => go = resolve);
        written.push(text);
      },
    };
    const failed = (error: unknown) => assert.fail(String(error));
    const file = new BanFile({ store, clock: new VirtualClock(), failed });
    const all = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((subject) => file.write([ban(subject)]));
    go();
    await until(() => written.length === 1);
    await settle();
    go();
    await Promise.all(all);
    assert.deepEqual(written.map((text) => readBans(text)[0]!.subject), ["192.0.2.1", "192.0.2.3"]);
  });
});

describe("bans that do not fit on the disk", () => {
  it("are said to be missing there, and written as soon as there is room, the newest", async () => {
    const clock = new VirtualClock();
    const [written, failures]: [string[], string[]] = [[], []];
    let full = true;
    const store = {
      read: () => Promise.resolve(undefined),
      write: (text: string) =>
        full ? Promise.reject(new Error("ENOSPC")) : Promise.resolve(void written.push(text)),
    };
    const file = new BanFile({ store, clock, failed: (error) => failures.push(String(error)) });
    await file.write([ban("192.0.2.1")]);
    await clock.advance(WRITE_AGAIN);
    await file.write([ban("192.0.2.2")]);
    assert.deepEqual(failures, Array(3).fill("Error: ENOSPC"));
    full = false;
    await clock.advance(WRITE_AGAIN);
    assert.deepEqual(written.map((text) => readBans(text)[0]!.subject), ["192.0.2.2"]);
    await clock.advance(10 * WRITE_AGAIN);
    assert.deepEqual([written.length, clock.timers], [1, 0]);
  });

  it("are forgotten when the node ends: nothing keeps the process", async () => {
    const clock = new VirtualClock();
    const store = {
      read: () => Promise.resolve(undefined),
      write: () => Promise.reject(new Error("ENOSPC")),
    };
    const file = new BanFile({ store, clock, failed: () => {} });
    await file.write([ban("192.0.2.1")]);
    file.stop();
    assert.equal(clock.timers, 0);
  });
});

describe("a node's bans", () => {
  afterEach(stopNodes);

  it("end the sessions they are about, and no others", async () => {
    const node = await memoryNode();
    const [bot, human] = [await meetInMemory(node, { agent: "BadBot/2" }), await meetInMemory(node)];
    node.ban("agent:badbot", "no bots", 60);
    await until(() => bot.end !== undefined);
    assert.equal(bot.end!.reason, Reason.banned);
    assert.match(bot.end!.text, /^no bots, until /);
    const again = await meetInMemory(node, { agent: "a badbot/3" });
    assert.equal(again.end?.reason, Reason.banned);
    assert.equal(human.end, undefined);
    assert.throws(() => node.ban("everybody"), /write a PeerId, an address/);
  });

  it("of an address are answered before anything is allocated", async () => {
    const node = await memoryNode();
    const here = await meetInMemory(node); // from 192.0.2.1
    node.ban("192.0.2.0/24", "not from there");
    await until(() => here.end !== undefined);
    const refused = node.admit(here.identity.id, "192.0.2.200");
    assert.ok("status" in refused && refused.status === 403 && refused.text === "not from there");
    const other = node.admit(here.identity.id, "192.0.3.1");
    assert.ok(!("status" in other));
    other.release();
    assert.equal(node.unban("192.0.2.9/24"), true);
    assert.ok((await meetInMemory(node)).isReady);
  });

  it("outlive a restart where they are kept", async () => {
    let kept: string | undefined;
    const bans = {
      read: () => Promise.resolve(kept),
      write: (text: string) => Promise.resolve(void (kept = text)),
    };
    const node = await memoryNode({ bans });
    node.ban(id, "for good");
    node.ban("198.51.100.0/24", "for a while", 3_600);
    node.ban("agent:x", "over", 1e-9);
    await until(() => kept?.includes("198.51") ?? false);
    const next = await memoryNode({ bans });
    await next.controls.restore();
    assert.deepEqual(next.controls.bans, node.controls.bans);
    assert.equal(next.controls.bans.length, 2);
    kept = "nonsense";
    await assert.rejects(next.controls.restore(), /correct or remove the file/);
  });
});
