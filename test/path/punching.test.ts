import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { peerIdText } from "../../src/identity/peer_id.ts";
import { GATHER_PATIENCE } from "../../src/path/attempt.ts";
import type { AttemptEnd, PathHost } from "../../src/path/port.ts";
import { GREETED, OFFER_FRESH } from "../../src/path/foresight.ts";
import { ASKED } from "../../src/path/punch.ts";
import { NO_PEER, Punching } from "../../src/path/punching.ts";
import { encodeWords, type RtcEnd, type RtcEvents, type Words } from "../../src/path/rtc.ts";
import type { AttemptFromPeer } from "../../src/wire/attempt_protocol.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

const OFFER: Words = { type: "offer", sdp: "v=0" };
const ANSWER: Words = { type: "answer", sdp: "v=0" };
const REFLEXIVE: Words = {
  type: "candidate",
  candidate: "candidate:1 1 UDP 1 192.0.2.1 5 typ srflx raddr 0.0.0.0 rport 0",
  mid: "0",
};
const ATTEMPT = new Uint8Array(16).fill(7);
const BROKER = new Uint8Array(32).fill(9);
const OTHER = new Uint8Array(32).fill(2);
const TERMS = { answer: 3_000, connect: 5_000 };

/** The data channel's end of a stack that says what the test says. */
interface FakeEnd extends RtcEnd {
  role: string;
  events: RtcEvents;
  taken: string[];
  closed: boolean;
}

function bench(key: number = 1) {
  const clock = new VirtualClock();
  const said: AttemptFromPeer[] = [];
  const signals: { attempt: Uint8Array; words: Uint8Array }[] = [];
  const ends: FakeEnd[] = [];
  const host = {
    peer: peerIdText(OTHER),
    key: OTHER,
    signal: (attempt: Uint8Array, words: Uint8Array) => void signals.push({ attempt, words }),
    offer: () => ({ withdraw() {} }),
  } as unknown as PathHost;
  const punching = new Punching({
    key: new Uint8Array(32).fill(key),
    clock,
    load: () =>
      Promise.resolve({
        connect: (role, _servers, events) => {
          const end: FakeEnd = {
            role,
            events,
            taken: [],
            closed: false,
            paired: false,
            buffered: 0,
            take: ({ type }) => void end.taken.push(type),
            send() {},
            close: () => void (end.closed = true),
          };
          ends.push(end);
          return end;
        },
      }),
    policy: () => true,
    hidesHosts: false,
    iceServers: () => [],
    broker: () => BROKER,
    say: (frame) => void said.push(frame),
    host: () => host,
  });
  const kinds = () => said.map(({ kind }) => kind);
  const invite = () =>
    punching.hear({ kind: "invite", attempt: ATTEMPT, broker: BROKER, peer: OTHER, ...TERMS });
  const grant = () => {
    const request = said.flatMap((frame) => frame.kind === "attempt" ? [frame.request] : []).at(-1)!;
    punching.hear({ kind: "granted", request, attempt: ATTEMPT, ...TERMS });
  };
  const hear = (attempt: Uint8Array, words: Words) => punching.signalled(host, attempt, encodeWords(words)!);
  return { clock, kinds, signals, ends, host, punching, invite, grant, hear };
}

/** Lets policies and loaders settle. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("an attempt's asker", () => {
  it("describes itself while its node is still asked, in words about what it asks for", async () => {
    const { punching, host, ends, signals, grant } = bench();
    punching.attempt(host, () => {});
    await settled();
    ends[0]!.events.words(OFFER);
    assert.equal(ends[0]!.role, "offerer");
    assert.deepEqual(signals.map(({ attempt }) => attempt), [ASKED]);
    grant();
    ends[0]!.events.words(REFLEXIVE);
    assert.deepEqual(signals.map(({ attempt }) => attempt), [ASKED, ATTEMPT]);
  });

  it("is ready once the other side was told its public address and has answered, not before", async () => {
    for (const answeredFirst of [true, false]) {
      const { punching, host, ends, kinds, grant, hear } = bench();
      punching.attempt(host, () => {});
      await settled();
      grant();
      const steps = [() => hear(ATTEMPT, ANSWER), () => ends[0]!.events.words(REFLEXIVE)];
      const [first, second] = answeredFirst ? steps : steps.toReversed();
      first!();
      assert.deepEqual(kinds(), ["attempt"]);
      second!();
      assert.deepEqual(kinds(), ["attempt", "answer"]);
    }
  });

  it("leaves the first checks to an answering neighbour, whose DTLS must be there when it speaks", async () => {
    const own = { ...REFLEXIVE, candidate: "candidate:1 1 UDP 9 10.9.9.1 5 typ host" };
    const near = { ...REFLEXIVE, candidate: "candidate:1 1 UDP 9 10.9.9.2 5 typ host" };
    const far = { ...REFLEXIVE, candidate: "candidate:1 1 UDP 9 10.9.8.2 5 typ host" };
    for (const [theirs, waits] of [[near, true], [far, false]] as const) {
      const { punching, host, ends, grant, hear, clock } = bench();
      punching.attempt(host, () => {});
      await settled();
      grant();
      hear(ATTEMPT, ANSWER);
      hear(ATTEMPT, theirs);
      ends[0]!.events.words(own);
      ends[0]!.events.gathered();
      punching.hear({ kind: "start", attempt: ATTEMPT, delay: 0 });
      await clock.advance(100);
      assert.deepEqual(ends[0]!.taken, waits ? ["answer"] : ["answer", "candidate"]);
      await clock.advance(100);
      assert.deepEqual(ends[0]!.taken, ["answer", "candidate"], "should no check of the other side come");
      punching.close();
    }
  });

  it("is ready at the grant when it has told all by then", async () => {
    const { punching, host, ends, kinds, grant, hear } = bench();
    hear(GREETED, OFFER);
    punching.attempt(host, () => {});
    await settled();
    ends[0]!.events.gathered();
    grant();
    assert.deepEqual(kinds(), ["attempt", "answer"]);
  });

  it("lets everything go when the attempt is denied", async () => {
    const { punching, host, ends } = bench();
    const told: AttemptEnd[] = [];
    punching.attempt(host, (end) => told.push(end));
    await settled();
    punching.hear({ kind: "denied", request: 1, reason: Reason.rateLimited, retryAfter: 9_000 });
    assert.ok(ends[0]!.closed);
    assert.deepEqual(told.map(({ outcome, retryAfter }) => [outcome, retryAfter]), [["rate-limited", 9_000]]);
  });
});

describe("an attempt's invited", () => {
  it("takes words that came before the invite, with the asker's name for it or its id", async () => {
    const { ends, hear, invite, punching } = bench();
    hear(ASKED, OFFER);
    hear(ATTEMPT, REFLEXIVE);
    invite();
    await settled();
    assert.deepEqual([ends[0]!.role, ends[0]!.taken], ["answerer", ["offer"]]);
    punching.hear({ kind: "start", attempt: ATTEMPT, delay: 0 });
    assert.deepEqual(ends[0]!.taken, ["offer"]); // not ready yet: no such start
  });

  it("uses the other side's addresses when both begin, which is when it has told its own", async () => {
    const { clock, ends, hear, invite, punching, kinds } = bench();
    invite();
    await settled();
    hear(ASKED, OFFER);
    hear(ATTEMPT, REFLEXIVE);
    ends[0]!.events.words(ANSWER);
    ends[0]!.events.words(REFLEXIVE);
    assert.deepEqual([kinds(), ends[0]!.taken], [["answer"], ["offer"]]);
    punching.hear({ kind: "start", attempt: ATTEMPT, delay: 10 });
    await clock.advance(10);
    assert.deepEqual(ends[0]!.taken, ["offer", "candidate"]);
  });

  it("waits for addresses that never come no longer than it must", async () => {
    const { clock, invite, kinds } = bench();
    invite();
    await settled();
    await clock.advance(GATHER_PATIENCE - 1);
    assert.deepEqual(kinds(), []);
    await clock.advance(1);
    assert.deepEqual(kinds(), ["answer"]);
  });

  it("forgets words of an attempt that came to nothing when the next one is described", async () => {
    const { ends, hear, invite, punching } = bench();
    hear(ASKED, OFFER);
    hear(ASKED, REFLEXIVE);
    hear(ASKED, OFFER);
    invite();
    await settled();
    ends[0]!.events.gathered();
    punching.hear({ kind: "start", attempt: ATTEMPT, delay: 0 });
    assert.deepEqual(ends[0]!.taken, ["offer"]);
  });

  it("is told how the other side's attempt ended when it wanted one itself", async () => {
    const { punching, host, invite, kinds } = bench();
    invite();
    await settled();
    const told: AttemptEnd[] = [];
    punching.attempt(host, (end) => told.push(end));
    await settled();
    punching.hear({ kind: "outcome", attempt: ATTEMPT, reason: Reason.noCandidatePair, duration: 5_100 });
    assert.deepEqual(told.map(({ why }) => why), ["attempt 1 ended no-candidate-pair after 5.1 s"]);
    assert.ok(!kinds().includes("attempt"));
  });
});

describe("a stack that takes a while to load", () => {
  it("is loaded ahead of the first attempt, but not where no peer may have a direct path", () => {
    let loads = 0;
    const load = () => {
      loads++;
      return Promise.resolve({ why: "none here" });
    };
    const parts = { load } as unknown as ConstructorParameters<typeof Punching>[0];
    new Punching({ ...parts, policy: NO_PEER }).prepare();
    assert.equal(loads, 0);
    new Punching({ ...parts, policy: () => true }).prepare();
    assert.equal(loads, 1);
  });
});

describe("a dial's foresight", () => {
  const foresee = async (made: ReturnType<typeof bench>) => {
    await made.punching.expect(made.host.peer);
    made.ends[0]?.events.words(OFFER);
    made.punching.begun(made.host);
  };

  it("describes itself in the greeting, and tells no address before it is invited", async () => {
    const made = bench();
    const { ends, signals, kinds, invite, hear, punching, clock } = made;
    await made.punching.expect(made.host.peer);
    ends[0]!.events.words(OFFER);
    ends[0]!.events.words(REFLEXIVE);
    punching.begun(made.host);
    assert.deepEqual(signals.map(({ attempt }) => attempt), [GREETED]);
    invite();
    await settled();
    assert.deepEqual([ends.length, ends[0]!.role], [1, "offerer"]);
    assert.deepEqual(signals.map(({ attempt }) => attempt), [GREETED, ATTEMPT]);
    hear(ASKED, ANSWER);
    assert.deepEqual(kinds(), ["answer"], "ready with the answer: its address was known by then");
    hear(ASKED, REFLEXIVE);
    punching.hear({ kind: "start", attempt: ATTEMPT, delay: 0 });
    await clock.advance(1);
    assert.deepEqual(ends[0]!.taken, ["answer", "candidate"]);
    punching.close();
  });

  it("is answered by the greeted side as it asks", async () => {
    const { punching, host, ends, hear, signals } = bench();
    hear(GREETED, OFFER);
    punching.attempt(host, () => {});
    await settled();
    assert.deepEqual([ends[0]!.role, ends[0]!.taken], ["answerer", ["offer"]]);
    ends[0]!.events.words(ANSWER);
    assert.deepEqual(signals.map(({ attempt }) => attempt), [ASKED]);
    punching.close();
  });

  it("gives way to an asker that offers itself, because it had no offer in time", async () => {
    const made = bench();
    const { ends, invite, hear, punching } = made;
    await foresee(made);
    invite();
    await settled();
    hear(ASKED, OFFER);
    assert.deepEqual(ends.map(({ role, closed, taken }) => [role, closed, taken]), [
      ["offerer", true, []],
      ["answerer", false, ["offer"]],
    ]);
    punching.close();
  });

  it("serves the own question when the other side asks none, and says its offer again", async () => {
    const made = bench();
    const { ends, punching, host, signals } = made;
    await foresee(made);
    punching.attempt(host, () => {});
    await settled();
    assert.deepEqual(signals.map(({ attempt }) => attempt), [GREETED, ASKED]);
    assert.deepEqual(ends.map(({ role }) => role), ["offerer"]);
    punching.close();
  });

  it("counts for no attempt that comes later than the greeting", async () => {
    const { punching, host, ends, hear, clock } = bench();
    hear(GREETED, OFFER);
    await clock.advance(OFFER_FRESH);
    punching.attempt(host, () => {});
    await settled();
    assert.deepEqual([ends[0]!.role, ends[0]!.taken], ["offerer", []]);
    punching.close();
  });

  it("is given up when the greeting leaves before there is an offer, nobody is found, or nobody asks", async () => {
    const early = bench();
    await early.punching.expect(early.host.peer);
    early.punching.begun(early.host);
    assert.deepEqual([early.signals, early.ends[0]!.closed], [[], true]);
    const absent = bench();
    await absent.punching.expect(absent.host.peer);
    absent.punching.forgo(absent.host.peer);
    assert.ok(absent.ends[0]!.closed);
    const unasked = bench();
    await foresee(unasked);
    await unasked.clock.advance(5_000);
    assert.ok(unasked.ends[0]!.closed);
    for (const { clock } of [early, absent, unasked]) assert.equal(clock.timers, 0);
  });

  it("makes few ends at a time, and one a peer", async () => {
    const { punching, ends } = bench();
    for (let i = 0; i < 20; i++) {
      await punching.expect(peerIdText(new Uint8Array(32).fill(i)));
      await punching.expect(peerIdText(new Uint8Array(32).fill(i)));
    }
    assert.equal(ends.length, 8);
    punching.close();
    assert.ok(ends.every(({ closed }) => closed));
  });
});
