import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeFrames, encodeNumbered, type MessageChunk, type Unnumbered } from "../../src/link/frames.ts";
import {
  MAX_ANSWERS,
  MAX_CHUNK,
  MAX_REFUSALS,
  MAX_STREAMS,
  MESSAGE_COST,
  MESSAGE_WINDOW,
} from "../../src/link/limits.ts";
import { Inbox, Outbox } from "../../src/link/mailbox.ts";
import { Outgoing } from "../../src/link/outgoing.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { CALM, idOf, sample, wireBetween } from "./wire_between.ts";

const chunk = (size: number, bytes: Uint8Array): MessageChunk => ({
  kind: "message",
  seq: 0,
  id: idOf(1),
  size,
  asks: false,
  bytes,
});

describe("messages", () => {
  it("larger than the window of credit arrive", () => {
    const { a, b, clock } = wireBetween();
    const data = sample(3 * MESSAGE_WINDOW + 5, 1);
    a.post(data);
    a.post(sample(3, 2));
    clock.run(20_000);
    assert.deepEqual(b.inbox.map((message) => message.data.length), [data.length, 3]);
    assert.deepEqual(b.inbox[0]!.data, data);
  });

  it("rule 11: a reader that does not read stops its sender, and nothing is lost when it reads again", () => {
    const { a, b, clock } = wireBetween();
    b.reads = false;
    for (let i = 0; i < 400; i++) a.post(new Uint8Array(16_000));
    clock.run(60_000);
    const held = b.inbox.length;
    assert.ok(held * 16_064 <= MESSAGE_WINDOW, `${held} messages unread`);
    assert.ok(held > 100);
    assert.equal(a.conversation.deadline, Infinity, "nothing to do until credit comes");
    b.reads = true;
    for (const { data } of b.inbox.slice()) b.conversation.consumed(data.length);
    b.pump();
    clock.run(60_000);
    assert.equal(b.inbox.length, 400);
  });

  it("rule 9: are delivered when the other process holds them, read or not", () => {
    const { a, b, clock } = wireBetween();
    b.reads = false;
    const message = a.post(sample(10, 1));
    clock.run(1_000);
    assert.equal(message.status, "delivered");
    b.conversation.acknowledgeProcessed(message.id);
    b.pump();
    clock.run(1_000);
    assert.deepEqual(a.processed, [String(message.id)]);
  });

  it("rule 11: who sends beyond its credit breaks the protocol", () => {
    const inbox = new Inbox();
    const bytes = new Uint8Array(MAX_CHUNK);
    let taken = 0;
    while (inbox.take(chunk(MAX_CHUNK, bytes)) !== "violation") taken++;
    assert.equal(taken, Math.floor(MESSAGE_WINDOW / (MAX_CHUNK + MESSAGE_COST)));
  });

  for (
    const [what, size, first, second] of [
      ["a chunk that is short although more follows", 20_000, 10, undefined],
      ["a message begun within another", 20_000, MAX_CHUNK, "message"],
      ["more bytes than announced", 20_000, MAX_CHUNK, 4_000],
      ["a continuation of nothing", 5, 5, 1],
    ] as const
  ) {
    it(`${what} breaks the protocol`, () => {
      const inbox = new Inbox();
      const begun = inbox.take(chunk(size, new Uint8Array(first)));
      if (second === undefined) return assert.equal(begun, "violation");
      assert.notEqual(begun, "violation");
      const next = second === "message"
        ? chunk(5, new Uint8Array(5))
        : { kind: "more" as const, seq: 0, bytes: new Uint8Array(second) };
      assert.equal(inbox.take(next), "violation");
    });
  }

  it("can be taken back as long as nothing of them has left", () => {
    const departed: Outgoing[] = [];
    const outbox = new Outbox({ departed: (message) => void departed.push(message), delivered() {} });
    const messages = [1, 40_000, 3].map((size, index) =>
      new Outgoing(idOf(index), new Uint8Array(size), false, 0)
    );
    messages.forEach((message) => outbox.add(message));
    assert.ok(outbox.withdraw(messages[0]!));
    assert.ok(!outbox.withdraw(messages[0]!));
    outbox.next();
    assert.ok(!outbox.withdraw(messages[1]!), "some of it has left");
    assert.deepEqual(outbox.undelivered, messages.slice(1));
    assert.ok(outbox.withdraw(messages[2]!));
    while (outbox.next());
    assert.deepEqual(departed, [messages[1]]);
    assert.ok(outbox.drained && !outbox.empty);
  });

  it("share the path with streams: neither starves the other", () => {
    const { a, b, clock } = wireBetween();
    const stream = a.conversation.openStream("bulk");
    stream.write.write(new Uint8Array(250_000));
    for (let i = 0; i < 8; i++) a.conversation.post(new Outgoing(idOf(i), new Uint8Array(16_000), false, 0));
    a.conversation.touched(stream);
    a.pump();
    clock.run(12);
    assert.ok(b.inbox.length >= 6, `${b.inbox.length} messages beside the stream`);
  });
});

/** What a stranger who has our keys may send. */
function stranger() {
  const { a, b, clock } = wireBetween();
  let seq = 1;
  return {
    b,
    clock,
    a,
    say: (...frames: Unnumbered[]): boolean =>
      frames.every((frame) => b.conversation.receive(joinBytes(encodeNumbered(frame, seq++)), clock.now())),
  };
}

describe("a stranger", () => {
  it("that opens stream after stream is refused, and cut off when it never listens", () => {
    const { b, say } = stranger();
    let id = -1;
    for (let i = 0; i < MAX_STREAMS; i++) assert.ok(say({ kind: "open", stream: id += 2, label: "" }));
    assert.equal(b.streams.length, MAX_STREAMS);
    let refused = 0;
    while (refused <= MAX_REFUSALS && say({ kind: "open", stream: id += 2, label: "" })) refused++;
    assert.equal(refused, MAX_REFUSALS / 2);
    assert.equal(b.conversation.openStreams.length, MAX_STREAMS);
  });

  it("that asks without pause is answered within bounds", () => {
    const { b, clock } = stranger();
    const probes = new Uint8Array(3 * 20_000).map((_, index) => [0x82, 1, 7][index % 3]!);
    assert.ok(b.conversation.receive(probes, clock.now()));
    assert.equal(decodeFrames(b.next()!)!.length, MAX_ANSWERS);
  });

  it("whose stream ids go backwards, or are ours to give, breaks the protocol", () => {
    assert.ok(!stranger().say({ kind: "open", stream: 2, label: "" }));
    assert.ok(
      !stranger().say({ kind: "open", stream: 3, label: "" }, { kind: "open", stream: 3, label: "" }),
    );
  });

  it("that speaks after its close is not heard", () => {
    const { b, say } = stranger();
    assert.ok(
      say({ kind: "close", reason: 64, text: "bye" }, {
        kind: "message",
        id: idOf(1),
        size: 1,
        asks: false,
        bytes: new Uint8Array(1),
      }),
    );
    assert.deepEqual([b.closedWith, b.inbox], [{ reason: 64, text: "bye" }, []]);
  });

  it("may use kinds of later versions", () => {
    const { b, say } = stranger();
    assert.ok(
      say({ kind: "strange" }, {
        kind: "message",
        id: idOf(1),
        size: 0,
        asks: false,
        bytes: new Uint8Array(),
      }),
    );
    assert.ok(b.conversation.receive(Uint8Array.of(0x82, 0x18, 99, 0x60), 0));
    assert.equal(b.inbox.length, 1);
  });
});

describe("bytes", () => {
  it("of a message are the application's again once it gives up, and what has to leave again is what was sent", () => {
    const { a, b, clock, network } = wireBetween();
    const data = sample(40_000, 3);
    const sent = data.slice();
    network.weather = { ...CALM, loss: 1 };
    const message = a.post(data);
    clock.run(100);
    assert.equal(a.conversation.withdraw(message), false, "some of it left");
    data.fill(0);
    network.weather = CALM;
    clock.run(10_000);
    assert.deepEqual(b.inbox.map(({ data }) => data), [sent]);
  });

  it("are not copied on their way out, nor when they came in a packet full of whole chunks", () => {
    const data = sample(MAX_CHUNK, 1);
    const frames = [1, 2, 3, 4].map((seq) => encodeNumbered(chunk(data.length, data), seq));
    for (const pieces of frames) assert.ok(pieces.includes(data));
    const packet = joinBytes(frames.flat());
    for (const read of decodeFrames(packet) as MessageChunk[]) {
      assert.equal(read.bytes.buffer, packet.buffer);
    }
  });

  it("keep at most five times their size in memory when they came with others", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: MAX_CHUNK }), { minLength: 1, maxLength: 6 }),
        (sizes) => {
          const frames = sizes.flatMap((size, at) =>
            encodeNumbered(chunk(size, new Uint8Array(size)), at + 1)
          );
          for (const frame of decodeFrames(joinBytes(frames)) as MessageChunk[]) {
            const overhead = 40; // the frame's own
            assert.ok(frame.bytes.buffer.byteLength <= 5 * (frame.bytes.length + overhead));
            assert.ok(frame.id.buffer.byteLength <= 5 * (frame.bytes.length + overhead));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
