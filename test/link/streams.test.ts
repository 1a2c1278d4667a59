import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { ByteStream } from "../../src/link/byte_stream.ts";
import { MAX_STREAMS, STREAM_START, STREAM_WINDOW } from "../../src/link/limits.ts";
import { ReadHalf } from "../../src/link/read_half.ts";
import { type LinkStream, webStream } from "../../src/link/stream.ts";
import { type End, sample, wireBetween } from "./wire_between.ts";

function opened(label: string = "s") {
  const wires = wireBetween();
  const stream = wires.a.conversation.openStream(label);
  wires.a.pump();
  wires.clock.run(50);
  return { ...wires, stream, theirs: wires.b.streams[0]! };
}

function touch(end: End, stream: ByteStream): void {
  end.conversation.touched(stream);
  end.pump();
}

function readAll(end: End, stream: ByteStream): number {
  let bytes = 0;
  for (let next = stream.read.read(); next && next !== "end"; next = stream.read.read()) bytes += next.length;
  touch(end, stream);
  return bytes;
}

describe("a stream", () => {
  it("carries its label and, with neither side having read, no more than its first credit", () => {
    const { a, b, stream, theirs, clock } = opened("photo.jpg");
    assert.deepEqual([theirs.id, theirs.label], [stream.id, "photo.jpg"]);
    stream.write.write(new Uint8Array(4 * STREAM_WINDOW));
    touch(a, stream);
    clock.run(5_000);
    assert.equal(4 * STREAM_WINDOW - stream.write.queued, STREAM_START);
    let got = 0;
    for (let i = 0; i < 100; i++) {
      got += readAll(b, theirs);
      clock.run(50);
    }
    assert.equal(got, 4 * STREAM_WINDOW);
  });

  it("whose reader stops holds up neither messages nor other streams", () => {
    const { a, b, stream, clock } = opened();
    stream.write.write(new Uint8Array(4 * STREAM_WINDOW));
    touch(a, stream);
    clock.run(5_000);
    const second = a.conversation.openStream("second");
    second.write.write(sample(1_000, 1));
    touch(a, second);
    a.post(sample(5, 1));
    clock.run(100);
    assert.equal(b.inbox.length, 1);
    assert.deepEqual(b.streams[1]!.read.read(), sample(1_000, 1));
  });

  it("is finished for its writer when the other process has everything, and forgotten when both halves are over", () => {
    const { a, b, stream, theirs, clock } = opened();
    stream.write.write(sample(100_000, 3));
    stream.write.end();
    touch(a, stream);
    clock.run(1_000);
    assert.equal(stream.write.state, "finished");
    assert.equal(readAll(b, theirs), 100_000);
    assert.equal(theirs.read.read(), "end");
    assert.equal(a.conversation.openStreams.length, 1);
    theirs.write.end();
    touch(b, theirs);
    clock.run(1_000);
    assert.equal(stream.read.read(), "end");
    touch(a, stream);
    assert.deepEqual([a.conversation.openStreams, b.conversation.openStreams], [[], []]);
  });

  for (const side of ["writer", "reader"] as const) {
    it(`broken off by its ${side} tells the other side why, and leaves the other half alone`, () => {
      const { a, b, stream, theirs, clock } = opened();
      const told: unknown[] = [];
      theirs.events.reset = (which, text) => void told.push([which, text]);
      if (side === "writer") stream.write.write(sample(50_000, 1));
      else theirs.write.write(sample(50_000, 1));
      touch(a, stream);
      touch(b, theirs);
      clock.run(5);
      stream.reset(side, "enough");
      touch(a, stream);
      clock.run(1_000);
      assert.deepEqual(told, [[side, "enough"]]);
      const [from, to, out, into] = side === "writer"
        ? [b, a, theirs, stream] as const
        : [a, b, stream, theirs] as const;
      out.write.write(sample(10, 2));
      out.write.end();
      touch(from, out);
      clock.run(1_000);
      assert.deepEqual(into.read.read(), sample(10, 2));
      assert.equal(into.read.read(), "end");
      touch(to, into);
      clock.run(1_000);
      assert.deepEqual([a.conversation.openStreams, b.conversation.openStreams], [[], []]);
      assert.ok(a.conversation.settled && b.conversation.settled);
    });
  }

  it("that had ended can still be read to its end after the link is over", () => {
    const { a, b, stream, theirs, clock } = opened();
    stream.write.write(sample(70_000, 1));
    stream.write.end();
    touch(a, stream);
    clock.run(1_000);
    theirs.takeReset("writer", "the link is over");
    assert.equal(readAll(b, theirs), 70_000);
    assert.equal(theirs.read.read(), "end");
  });

  it(`${MAX_STREAMS} of each side may be open; one that is over makes room`, () => {
    const { a, b, clock } = wireBetween();
    const streams = Array.from({ length: MAX_STREAMS }, () => a.conversation.openStream(""));
    assert.throws(() => a.conversation.openStream(""), RangeError);
    for (let i = 0; i < MAX_STREAMS; i++) b.conversation.openStream("");
    for (const side of ["writer", "reader"] as const) streams[7]!.reset(side, "");
    a.pump();
    b.pump();
    clock.run(1_000);
    touch(a, streams[7]!);
    clock.run(1_000);
    assert.ok(a.conversation.openStream("again"));
    assert.equal(b.conversation.openStreams.length, 2 * MAX_STREAMS - 1);
  });

  it("refuses a label that is too long or no text", () => {
    const { a } = wireBetween();
    assert.throws(() => a.conversation.openStream("é".repeat(129)), RangeError);
    assert.throws(() => a.conversation.openStream("\ud800"), RangeError);
    assert.ok(a.conversation.openStream("é".repeat(128)));
  });

  it("gathers slivers that nobody reads, so that a byte costs about a byte", () => {
    const half = new ReadHalf();
    const sent = sample(40_000, 5);
    for (const byte of sent) assert.ok(half.take(Uint8Array.of(byte)));
    half.end();
    const pieces: Uint8Array[] = [];
    for (let next = half.read(); next !== "end"; next = half.read()) pieces.push(next!);
    assert.ok(pieces.length < 10, `${pieces.length} pieces`);
    assert.deepEqual(Uint8Array.from(pieces.flatMap((piece) => [...piece])), sent);
  });

  it("that overdraws its credit or goes on after its end breaks the protocol", () => {
    const half = new ReadHalf();
    assert.ok(half.take(new Uint8Array(STREAM_START)));
    assert.ok(!half.take(new Uint8Array(1)));
    const ended = new ReadHalf();
    ended.end();
    assert.ok(!ended.take(new Uint8Array(1)));
  });
});

/** The same with WHATWG streams on top, and a network that moves by itself. */
function web(): { ours: LinkStream; theirs: LinkStream; stop: () => void; wires: ReturnType<typeof opened> } {
  const wires = opened();
  const { a, b, stream, theirs, clock } = wires;
  const timer = setInterval(() => clock.run(20), 0);
  return {
    wires,
    ours: webStream(stream, () => touch(a, stream)),
    theirs: webStream(theirs, () => touch(b, theirs)),
    stop: () => clearInterval(timer),
  };
}

describe("a WHATWG stream of a link", () => {
  it("pipes bytes through and closes when they have arrived", async () => {
    const { ours, theirs, stop, wires } = web();
    const data = sample(3_000_000, 9);
    const source = new Blob([data.slice() as Uint8Array<ArrayBuffer>]).stream();
    const [got] = await Promise.all([
      new Response(theirs.readable).arrayBuffer(),
      source.pipeTo(ours.writable),
    ]);
    assert.deepEqual(new Uint8Array(got), data);
    await theirs.writable.close();
    assert.equal((await ours.readable.getReader().read()).done, true);
    assert.deepEqual([wires.a.conversation.openStreams, wires.b.conversation.openStreams], [[], []]);
    stop();
  });

  it("gives up at once when aborted, although the reader holds the writer up", async () => {
    const { ours, theirs, stop } = web();
    const writer = ours.writable.getWriter();
    const writing = writer.write(new Uint8Array(2 * STREAM_WINDOW));
    const reader = theirs.readable.getReader();
    await reader.read();
    await writer.abort(new Error("changed my mind"));
    await assert.rejects(writing.then(() => writer.closed), /changed my mind/);
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, /changed my mind/);
    stop();
  });

  it("tells the writer when its reader cancels", async () => {
    const { ours, theirs, stop } = web();
    const writer = ours.writable.getWriter();
    await writer.write(sample(10, 1));
    await theirs.readable.cancel(new Error("no more"));
    await assert.rejects(writer.closed, /no more/);
    stop();
  });

  it("copies what is written: the caller may fill its buffer anew", async () => {
    for (const buffer of [Uint8Array.of(1, 2, 3), Buffer.of(1, 2, 3)]) { // a Buffer's slice is no copy
      const { ours, theirs, stop } = web();
      const writer = ours.writable.getWriter();
      void writer.write(buffer);
      await writer.ready;
      buffer.fill(9);
      assert.deepEqual((await theirs.readable.getReader().read()).value, Uint8Array.of(1, 2, 3));
      stop();
    }
  });
});
