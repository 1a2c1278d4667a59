import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { REKEY_AFTER, REKEY_PATIENCE } from "../../src/link/epoch.ts";
import { readPacket, writeRefused, writeUnknown } from "../../src/link/packet.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { readRecord } from "../../src/wire/record.ts";
import { flipped } from "./hex.ts";
import { Meeting, type Party } from "./meeting.ts";
import { Network } from "./wire_between.ts";

const kindOf = (packet: Uint8Array) => readPacket(packet)?.kind;

/** Both have said and heard something. */
async function linked(seed: number = 1): Promise<Meeting> {
  const meeting = await Meeting.begin(seed);
  meeting.a.dialWith("hello");
  await meeting.run(100);
  meeting.b.post("welcome");
  await meeting.run(100);
  assert.deepEqual([meeting.b.texts, meeting.a.texts], [["hello"], ["welcome"]]);
  meeting.sent.length = 0;
  return meeting;
}

function assertOneLink({ a, b }: Meeting): void {
  assert.ok(a.connection?.connected, "a is not connected");
  assert.ok(b.connection?.connected, "b is not connected");
}

describe("greeting", () => {
  it("delivers what travels in the first packet at once, and acknowledges it in the answer", async () => {
    const meeting = await Meeting.begin();
    const message = meeting.a.dialWith("first");
    await meeting.run(10);
    assert.deepEqual(meeting.b.texts, ["first"]);
    await meeting.run(10);
    assert.equal(message.status, "delivered");
    assert.deepEqual(meeting.sent.slice(0, 2).map(({ packet }) => kindOf(packet)), ["init", "response"]);
  });

  for (const [what, lost] of [["first packet", "init"], ["answer", "response"]] as const) {
    it(`survives a lost ${what}`, async () => {
      const meeting = await Meeting.begin();
      let left = 2;
      meeting.fate = (_, packet) => kindOf(packet) === lost && left-- > 0 ? "lose" : "pass";
      meeting.a.dialWith("first");
      await meeting.run(60);
      if (lost === "response") meeting.b.post("while a waits");
      await meeting.run(10_000);
      assertOneLink(meeting);
      assert.deepEqual(meeting.b.texts, ["first"]);
      assert.deepEqual(meeting.a.texts, lost === "response" ? ["while a waits"] : []);
    });
  }

  it("measures no round trip by a first packet that was sent twice", async () => {
    const meeting = await Meeting.begin();
    let left = 1;
    meeting.fate = (_, packet) => kindOf(packet) === "init" && left-- > 0 ? "lose" : "pass";
    meeting.a.dialWith("first");
    await meeting.run(5_000);
    meeting.a.post("second");
    await meeting.run(100);
    assert.ok(meeting.a.connection!.conversation.sender.roundTrip.smoothed! <= 25);
  });

  it("delivers once when every packet of it comes twice", async () => {
    const meeting = await Meeting.begin(1, new Network(1, { loss: 0, repeat: 1, fastest: 5, slowest: 30 }));
    meeting.a.dialWith("first");
    meeting.a.post("second");
    await meeting.run(3_000);
    assert.deepEqual(meeting.b.texts, ["first", "second"]);
    assertOneLink(meeting);
  });

  it("goes on after the path was away longer than a first packet is valid", async () => {
    const meeting = await Meeting.begin();
    meeting.a.dialWith("first");
    meeting.setPath(false);
    await meeting.run(200_000);
    meeting.setPath(true);
    await meeting.run(7_000);
    assert.deepEqual(meeting.b.texts, ["first"]);
    assertOneLink(meeting);
  });
});

describe("simultaneous dial", () => {
  it("rule 8: both dial at once and have one link, at every order of the packets on their way", async () => {
    for (let order = 0; order < 64; order++) {
      const meeting = await Meeting.begin(order);
      const bits = [...order.toString(2).padStart(6, "0")].map(Number);
      // Each of the first packets is quick or slow.
      meeting.fate = (from, packet, index) => {
        const delay = index < bits.length && bits[index] === 1 ? 40 : 5;
        meeting.clock.after(delay, () => from.other.receive(packet.slice()));
        return "lose";
      };
      meeting.a.dialWith("of a");
      if (order % 3 > 0) await meeting.run(order % 3 * 4);
      meeting.b.dialWith("of b");
      await meeting.run(6_000);
      assertOneLink(meeting);
      assert.deepEqual([meeting.a.texts, meeting.b.texts], [["of b"], ["of a"]], `order ${order}`);
      assert.deepEqual([meeting.a.ends, meeting.b.ends], [[], []]);
      assert.deepEqual([meeting.a.established, meeting.b.established], [1, 1]);
      meeting.a.post("a again");
      meeting.b.post("b again");
      await meeting.run(1_000);
      assert.deepEqual([meeting.a.texts[1], meeting.b.texts[1]], ["b again", "a again"]);
    }
  });

  it("rule 8: whichever of the crossing packets is lost, both messages arrive once", async () => {
    for (let lost = 0; lost < 32; lost++) {
      const meeting = await Meeting.begin(lost);
      meeting.fate = (_, __, index) => (lost >> index) & 1 ? "lose" : "pass";
      meeting.a.dialWith("of a");
      meeting.b.dialWith("of b");
      await meeting.run(20_000);
      assert.deepEqual([meeting.a.texts, meeting.b.texts], [["of b"], ["of a"]], `lost ${lost.toString(2)}`);
      assertOneLink(meeting);
    }
  });
});

describe("a restarted process", () => {
  for (const dialer of ["a", "b"] as const) {
    it(`rule 9: ${dialer} restarts and dials: what was undelivered reaches it under the same ids`, async () => {
      const meeting = await linked();
      const party = meeting[dialer];
      const other = party.other;
      const stream = other.connection!.conversation.openStream("s");
      const broken: string[] = [];
      stream.events.reset = (side) => void broken.push(side);
      meeting.fate = () => "lose";
      const message = other.post("unheard");
      await meeting.run(100);
      meeting.fate = () => "pass";
      await party.start();
      party.dialWith("I am new");
      await meeting.run(5_000);
      assert.deepEqual(other.texts.at(-1), "I am new");
      assert.deepEqual(party.texts.at(-1), "unheard");
      assert.deepEqual(party.inbox.at(-1)!.id, message.id);
      assert.deepEqual([other.restarts, broken], [1, ["writer", "reader"]]);
      assertOneLink(meeting);
    });

    it(`rule 9: ${dialer} restarts silently: the other notices, greets it anew and loses nothing`, async () => {
      const meeting = await linked();
      const party = meeting[dialer];
      await party.start();
      const message = party.other.post("are you there?");
      await meeting.run(5_000);
      assert.equal(message.status, "delivered");
      assert.equal(party.texts.at(-1), "are you there?");
      assertOneLink(meeting);
    });
  }

  it("rule 6: the first packet of the process before is refused when it is released late", async () => {
    const meeting = await Meeting.begin();
    meeting.fate = () => "keep";
    meeting.a.dialWith("from the grave");
    await meeting.run(500);
    meeting.fate = () => "pass";
    await meeting.a.start();
    meeting.a.dialWith("alive");
    await meeting.run(500);
    const { connection } = meeting.b;
    await meeting.release();
    await meeting.run(500);
    assert.deepEqual(meeting.b.texts, ["alive"]);
    assert.equal(meeting.b.connection, connection);
    assertOneLink(meeting);
  });

  it("rule 6: a first packet recorded before the responder's restart opens nothing after it", async () => {
    const meeting = await Meeting.begin();
    meeting.fate = (_, packet) => kindOf(packet) === "init" ? "keep" : "pass";
    meeting.a.dialWith("once");
    meeting.kept.push({ ...meeting.kept[0]! });
    await meeting.run(100);
    meeting.fate = () => "pass";
    const recorded = meeting.kept.pop()!;
    await meeting.release();
    await meeting.run(500);
    assert.deepEqual(meeting.b.texts, ["once"]);
    await meeting.b.start();
    meeting.kept.push(recorded);
    await meeting.release();
    assert.deepEqual(meeting.b.texts, ["once"]);
    assert.equal(meeting.b.connection, undefined);
  });

  it("an old record that a node plays back does not end the link with the present process", async () => {
    const meeting = await Meeting.begin();
    const old = readRecord(meeting.b.record)!;
    await meeting.run(10);
    await meeting.b.start();
    meeting.a.dialWith("hello");
    await meeting.run(100);
    meeting.directory = () => old;
    meeting.b.send(writeUnknown(7));
    await meeting.run(5_000);
    assert.ok(meeting.a.lookUps > 0);
    assert.equal(meeting.a.restarts, 0);
    assertOneLink(meeting);
  });
});

describe("new keys", () => {
  it("rule 7: keys are renewed under traffic and nothing is lost", async () => {
    const meeting = await linked();
    const said: string[] = [];
    for (let time = 0; time < REKEY_AFTER + 2 * REKEY_PATIENCE; time += 5_000) {
      said.push(`at ${time}`);
      meeting.a.post(said.at(-1)!);
      meeting.b.post(said.at(-1)!);
      await meeting.run(5_000);
    }
    assert.deepEqual(meeting.b.texts.slice(1), said);
    assert.deepEqual(meeting.a.texts.slice(1), said);
    assert.equal(meeting.sent.filter(({ packet }) => kindOf(packet) === "init").length, 1);
    const epochs = new Set(
      meeting.sent.map(({ packet }) => readPacket(packet)!).flatMap((p) =>
        p.kind === "transport" ? [p.epoch] : []
      ),
    );
    assert.equal(epochs.size, 2);
    assertOneLink(meeting);
  });

  it("rule 7: an idle link renews its keys", async () => {
    const meeting = await linked();
    await meeting.run(3 * REKEY_AFTER);
    const inits = meeting.sent.filter(({ packet }) => kindOf(packet) === "init").length;
    assert.ok(inits >= 2 && inits <= 4, `${inits}`);
    assertOneLink(meeting);
  });

  it("both renew at once and go on under one epoch", async () => {
    for (const lost of [0, 1, 2, 3, 4, 8, 12, 15]) {
      const meeting = await linked(lost);
      const first = meeting.sent.length;
      meeting.fate = (_, __, index) => (lost >> (index - first)) & 1 ? "lose" : "pass";
      for (const party of [meeting.a, meeting.b]) {
        // What an `unknown` packet leads to: new keys for the same process.
        party.connection!.hail(readRecord(party.other.record)!, meeting.clock.now());
        party.pump();
      }
      meeting.a.post("x");
      meeting.b.post("y");
      await meeting.run(9_000);
      assert.deepEqual([meeting.b.texts[1], meeting.a.texts[1]], ["x", "y"]);
      assertOneLink(meeting);
      meeting.sent.length = 0;
      await meeting.run(60_000);
      assert.ok(!meeting.sent.some(({ packet }) => kindOf(packet) === "init"), "greets on and on");
    }
  });
});

describe("a hostile node", () => {
  it("rule 6: a first packet kept back and released after another was answered delivers nothing twice", async () => {
    const meeting = await Meeting.begin();
    let keep = true;
    meeting.fate = (_, packet) => keep && kindOf(packet) === "init" ? "keep" : "pass";
    meeting.a.dialWith("once");
    await meeting.run(6_000); // worn out, and made anew
    keep = false;
    await meeting.run(6_000);
    assert.deepEqual(meeting.b.texts, ["once"]);
    await meeting.release();
    assert.deepEqual(meeting.b.texts, ["once"]);
    assertOneLink(meeting);
    meeting.a.close();
    await meeting.run(1_000);
    for (const { packet } of meeting.sent.filter(({ from }) => from === meeting.a)) meeting.b.receive(packet);
    await meeting.run(1_000);
    assert.deepEqual(meeting.b.texts, ["once"]);
    assert.equal(meeting.b.connection, undefined);
  });

  it("rule 6: a message 1 alone never ends an open link", async () => {
    const meeting = await linked();
    const { b } = meeting;
    meeting.fate = (_, packet) => kindOf(packet) === "init" ? "keep" : "pass";
    meeting.a.connection!.forget();
    meeting.a.connection = undefined; // as if its link had ended unheard
    meeting.a.dialWith("a new conversation");
    const init = meeting.kept.splice(0)[0]!;
    meeting.a.connection!.end({ reason: Reason.linkClosed, text: "", by: "local" });
    const before = b.connection;
    b.receive(init.packet);
    await meeting.run(1_000);
    assert.equal(b.connection, before);
    assert.equal(b.connection!.standing, "open");
    assert.deepEqual(b.ends, []);
    assert.deepEqual(b.texts, ["hello"]);
  });

  it("a new conversation of the same process takes the place of one that ended unheard", async () => {
    const meeting = await linked();
    meeting.fate = () => "lose";
    meeting.a.connection!.end({ reason: Reason.linkClosed, text: "", by: "local" });
    meeting.fate = () => "pass";
    meeting.a.dialWith("again");
    await meeting.run(1_000);
    assert.deepEqual(meeting.b.texts, ["hello", "again"]);
    assert.equal(meeting.b.ends.length, 1);
    meeting.b.post("yes");
    await meeting.run(1_000);
    assert.deepEqual(meeting.a.texts, ["welcome", "yes"]);
    assertOneLink(meeting);
  });

  it("rule 12: forged hints and notices end nothing and lose nothing", async () => {
    const meeting = await linked();
    for (let i = 0; i < 30; i++) {
      const epoch = i % 2 === 0 ? 7 : sendingEpoch(meeting);
      meeting.a.receive(writeUnknown(epoch));
      meeting.b.receive(writeRefused(new Uint8Array(8), Reason.peerRestarted));
      meeting.b.connection!.setAway(i % 3 === 0);
      meeting.a.post(`a${i}`);
      meeting.b.post(`b${i}`);
      await meeting.run(400);
    }
    meeting.b.connection!.setAway(false);
    meeting.b.connection!.setPath(false, meeting.clock.now());
    meeting.b.connection!.setPath(true, meeting.clock.now());
    await meeting.run(5_000);
    assert.deepEqual(meeting.b.texts.slice(1), Array.from({ length: 30 }, (_, i) => `a${i}`));
    assert.deepEqual(meeting.a.texts.slice(1), Array.from({ length: 30 }, (_, i) => `b${i}`));
    assert.deepEqual([meeting.a.ends, meeting.b.ends], [[], []]);
    assertOneLink(meeting);
  });

  it("forged hints do not keep a slow handshake from ending", async () => {
    const meeting = await Meeting.begin(
      1,
      new Network(1, { loss: 0, repeat: 0, fastest: 900, slowest: 900 }),
    );
    meeting.a.dialWith("first");
    for (let i = 0; i < 20; i++) {
      await meeting.run(100);
      const init = meeting.sent.findLast(({ from, packet }) =>
        from === meeting.a && kindOf(packet) === "init"
      );
      meeting.a.receive(writeRefused(init!.packet.slice(1, 9), Reason.peerRestarted));
    }
    await meeting.run(1_000);
    assertOneLink(meeting);
  });

  it("garbage and packets with a flipped bit change nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 }),
        fc.uint8Array({ maxLength: 80 }),
        async (flips, garbage) => {
          const meeting = await linked();
          for (const text of ["x", "y"]) {
            meeting.a.post(text);
            await meeting.run(30);
          }
          const recorded = meeting.sent.slice();
          for (const [which, bit] of flips) {
            const { from, packet } = recorded[which % recorded.length]!;
            from.other.receive(flipped(packet, bit));
          }
          meeting.a.receive(garbage);
          meeting.b.receive(garbage);
          await meeting.run(1_000);
          assert.deepEqual(meeting.b.texts, ["hello", "x", "y"]);
          assert.deepEqual([meeting.a.ends, meeting.b.ends], [[], []]);
          assertOneLink(meeting);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("rule 7: a replayed transport packet is refused", async () => {
    const meeting = await linked();
    meeting.a.post("x");
    await meeting.run(50);
    for (const { from, packet } of meeting.sent.slice()) from.other.receive(packet);
    await meeting.run(1_000);
    assert.deepEqual(meeting.b.texts, ["hello", "x"]);
    assertOneLink(meeting);
  });
});

function sendingEpoch(meeting: Meeting): number {
  const packets = meeting.sent.map(({ packet }) => readPacket(packet)!);
  return packets.flatMap((packet) => packet.kind === "transport" ? [packet.epoch] : []).at(-1) ?? 7;
}

describe("a peer that breaks the protocol", () => {
  it("loses the link, with the reason", async () => {
    const meeting = await linked();
    const frame = Uint8Array.of(0x84, 6, 2, 2, 0x60); // opens a stream whose id is the other side's to give
    const conversation = meeting.a.connection!.conversation;
    conversation.transmit = () => {
      conversation.transmit = () => undefined;
      return [frame];
    };
    meeting.a.pump();
    await meeting.run(200);
    assert.deepEqual(meeting.b.ends.map(({ reason }) => reason), [Reason.linkProtocolError]);
    assert.equal(meeting.b.connection, undefined);
  });
});

describe("presence", () => {
  it("rule 13: an idle link asks, and notices silence within 13 seconds", async () => {
    const meeting = await linked();
    await meeting.run(60_000);
    assertOneLink(meeting);
    assert.ok(meeting.sent.length <= 60, `${meeting.sent.length} packets in an idle minute`);
    meeting.fate = () => "lose";
    await meeting.run(14_000);
    assert.equal(meeting.a.connection!.connected, false);
    meeting.fate = () => "pass";
    await meeting.run(4_000);
    assertOneLink(meeting);
    assert.deepEqual(meeting.a.presence.slice(-2), [false, true]);
  });

  it("rule 13: with messages under way silence is noticed within about a second", async () => {
    const meeting = await linked();
    meeting.fate = () => "lose";
    meeting.a.post("x");
    await meeting.run(1_000);
    assert.equal(meeting.a.connection!.connected, false);
    meeting.fate = () => "pass";
    await meeting.run(3_000);
    assertOneLink(meeting);
    assert.deepEqual(meeting.b.texts.at(-1), "x");
  });

  it("a link that hears nothing gives up after five minutes, and leaves no timer", async () => {
    const meeting = await linked();
    meeting.fate = () => "lose";
    await meeting.run(320_000);
    assert.deepEqual(meeting.a.ends.map(({ by, reason }) => [by, reason]), [["timeout", Reason.linkTimeout]]);
    assert.deepEqual(meeting.b.ends.length, 1);
    assert.equal(meeting.busy, 0);
    await meeting.run(1_000);
    assert.equal(meeting.clock.armed, 0);
  });

  it("a link waits longer where somebody wants to wait", async () => {
    const meeting = await linked();
    for (const { connection } of [meeting.a, meeting.b]) {
      connection!.patientUntil = meeting.clock.now() + 900_000;
    }
    meeting.fate = () => "lose";
    meeting.a.post("much later");
    await meeting.run(600_000);
    assert.deepEqual(meeting.a.ends, []);
    meeting.fate = () => "pass";
    await meeting.run(20_000);
    assert.deepEqual(meeting.b.texts, ["hello", "much later"]);
  });

  it("a path that is away counts against nobody", async () => {
    const meeting = await linked();
    meeting.setPath(false);
    meeting.a.post("x");
    await meeting.run(3_600_000);
    meeting.setPath(true);
    await meeting.run(2_000);
    assert.deepEqual(meeting.b.texts, ["hello", "x"]);
    assertOneLink(meeting);
  });

  it("an answered greeting whose sender vanished does not keep its end busy", async () => {
    const meeting = await Meeting.begin();
    meeting.fate = (from) => from === meeting.a ? "pass" : "lose";
    meeting.a.dialWith("first");
    await meeting.run(30);
    meeting.fate = () => "lose";
    meeting.b.post("hello?");
    await meeting.run(290_000);
    assert.equal(meeting.busy, 0);
    assert.ok(meeting.wakeups < 4_000, `${meeting.wakeups} wakeups`);
  });
});

describe("closing", () => {
  it("delivers what was posted before, then ends both sides with the reason", async () => {
    const meeting = await linked();
    for (let i = 0; i < 50; i++) meeting.a.post(`m${i}`);
    meeting.a.close("done");
    await meeting.run(1_000);
    assert.equal(meeting.b.texts.length, 51);
    assert.deepEqual(meeting.b.ends, [{ reason: Reason.linkClosed, text: "done", by: "remote" }]);
    assert.deepEqual(meeting.a.ends, [{ reason: Reason.linkClosed, text: "done", by: "local" }]);
    assert.equal(meeting.clock.armed, 0);
  });

  it("works from both sides at once", async () => {
    const meeting = await linked();
    meeting.a.close();
    meeting.b.close();
    await meeting.run(7_000);
    assert.deepEqual([meeting.a.ends.length, meeting.b.ends.length], [1, 1]);
    assert.equal(meeting.clock.armed, 0);
  });

  for (const [what, loser] of [["close", "a"], ["acknowledgement of the close", "b"]] as const) {
    it(`ends both sides although the ${what} is lost`, async () => {
      const meeting = await linked();
      let left = 1;
      meeting.fate = (from) => from.name === loser && left-- > 0 ? "lose" : "pass";
      const began = meeting.clock.now();
      meeting.a.close();
      while (meeting.a.connection && (await meeting.step(began + 10_000)));
      assert.ok(meeting.clock.now() - began < 2_000, `took ${meeting.clock.now() - began} ms`);
      await meeting.run(1_000);
      assert.deepEqual([meeting.a.ends.length, meeting.b.ends.length], [1, 1]);
      assert.equal(meeting.clock.armed, 0);
    });
  }

  it("gives up after five seconds when nobody answers; what was undelivered can be told", async () => {
    const meeting = await linked();
    meeting.fate = () => "lose";
    const message = meeting.a.post("unheard");
    const { conversation } = meeting.a.connection!;
    meeting.a.close();
    await meeting.run(5_100);
    assert.equal(meeting.a.ends[0]!.by, "local");
    assert.deepEqual(conversation.outbox.undelivered, [message]);
  });

  it("delivers what was posted to a process that restarted meanwhile", async () => {
    const meeting = await linked();
    await meeting.b.start();
    meeting.a.post("last words");
    meeting.a.close();
    await meeting.run(4_000);
    assert.equal(meeting.b.texts.at(-1), "last words");
    assert.deepEqual([meeting.a.ends.length, meeting.a.ends[0]?.text], [1, "bye"]);
    assert.equal(meeting.b.connection, undefined);
  });

  it("nothing is told after the end", async () => {
    const meeting = await linked();
    const { connection } = meeting.b;
    meeting.fate = (from) => from === meeting.a ? "keep" : "pass";
    meeting.a.post("late");
    await meeting.run(10);
    connection!.end({ reason: Reason.linkClosed, text: "", by: "local" });
    await meeting.release();
    assert.deepEqual(meeting.b.texts, ["hello"]);
    assert.equal(connection!.deadline, Infinity);
    assert.equal(connection!.transmit(meeting.clock.now()), undefined);
  });
});

describe("two connections over a bad network", () => {
  const event = fc.record({
    after: fc.constantFrom(0, 3, 50, 700, 3_000, 30_000),
    who: fc.constantFrom("a" as const, "b" as const),
    do: fc.constantFrom("post", "post", "post", "post", "cut", "mend", "hint", "away", "hail"),
  });
  it("deliver every message once and in order, whatever is lost, repeated, cut or forged", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.record({
          loss: fc.constantFrom(0, 0.1, 0.3),
          repeat: fc.constantFrom(0, 0.2),
          fastest: fc.constantFrom(0, 20),
          slowest: fc.constantFrom(20, 150),
        }),
        fc.constantFrom("a", "b", "both"),
        fc.array(event, { maxLength: 20 }),
        async (seed, weather, dialers, events) => {
          const meeting = await Meeting.begin(seed, new Network(seed, weather));
          const said: Record<"a" | "b", string[]> = { a: [], b: [] };
          const speak = (party: Party) => {
            const text = `${party.name}${said[party.name as "a"].length}`;
            said[party.name as "a"].push(text);
            if (party.connection) party.post(text);
            else party.dialWith(text);
          };
          if (dialers !== "b") speak(meeting.a);
          if (dialers !== "a") speak(meeting.b);
          for (const each of events) {
            await meeting.run(each.after);
            const party = meeting[each.who];
            if (each.do === "post") speak(party);
            if (each.do === "cut" || each.do === "mend") meeting.setPath(each.do === "mend");
            if (each.do === "hint") party.receive(writeUnknown(seed >>> 0));
            if (each.do === "away") party.connection?.setAway(true);
            if (each.do === "hail") {
              party.connection?.hail(readRecord(party.other.record)!, meeting.clock.now());
            }
            party.pump();
          }
          meeting.network.weather = { ...weather, loss: Math.min(0.1, weather.loss) };
          meeting.setPath(true);
          for (const party of [meeting.a, meeting.b]) {
            party.connection?.foundAgain(meeting.clock.now());
            party.pump();
          }
          await meeting.run(90_000);
          assert.deepEqual([meeting.b.texts, meeting.a.texts], [said.a, said.b]);
          assert.deepEqual([meeting.a.delivered, meeting.b.delivered], [said.a, said.b]);
          assert.deepEqual([meeting.a.ends, meeting.b.ends], [[], []]);
          assert.ok(meeting.a.connection!.conversation.settled && meeting.b.connection!.conversation.settled);
          assert.equal(meeting.busy, 0);
        },
      ),
      { numRuns: 80 },
    );
  });
});
