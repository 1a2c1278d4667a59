import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { closeBody, LANE_HEAD, LaneKind, LaneReader, writeLaneHead } from "../../src/session/lane_frames.ts";
import { LaneSocket, type Pipe } from "../../src/session/lane_socket.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import { MAX_MESSAGE } from "../../src/wire/limits.ts";

type Said = Uint8Array | string;
const said = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 40 }));

function frame(kind: number, body: Uint8Array, length = body.length): Uint8Array {
  const head = new Uint8Array(LANE_HEAD);
  writeLaneHead(head, kind as LaneKind, length);
  return joinBytes([head, body]);
}
function frameOf(message: Said): Uint8Array {
  return typeof message === "string"
    ? frame(LaneKind.text, new TextEncoder().encode(message))
    : frame(LaneKind.bytes, message);
}
function reading() {
  const messages: Said[] = [];
  const ends: [number, string][] = [];
  const reader = new LaneReader({
    message: (message) => void messages.push(typeof message === "string" ? message : message.slice()),
    closing: (code, reason) => void ends.push([code, reason]),
  });
  return { messages, ends, reader };
}

describe("reading a lane", () => {
  it("gives the same messages however the stream is cut", () => {
    fc.assert(fc.property(
      fc.array(said, { maxLength: 12 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
      (sent, sizes) => {
        const stream = joinBytes([...sent.map(frameOf), frame(LaneKind.close, closeBody(4_000, "enough"))]);
        const { messages, ends, reader } = reading();
        for (let at = 0; at < stream.length;) {
          const size = sizes.next().value!;
          reader.read(stream.slice(at, at + size));
          at += size;
        }
        assert.deepEqual(messages, sent);
        assert.deepEqual(ends, [[4_000, "enough"]]);
      },
    ));
  });

  it("ends with a reason at a length, a kind or a close that cannot be, and reads nothing behind it", () => {
    const NOTHING = new Uint8Array(0);
    for (
      const [bad, reason] of [
        [frame(LaneKind.bytes, NOTHING, MAX_MESSAGE + 1), /of 1048577 bytes/],
        [frame(3, NOTHING), /of kind 3/],
        [frame(LaneKind.close, Uint8Array.of(1)), /without a code/],
      ] as const
    ) {
      const { messages, reader } = reading();
      assert.equal(reader.read(frameOf("before")), undefined);
      assert.match(reader.read(joinBytes([bad, frameOf("behind")]))!, reason);
      assert.match(reader.read(frameOf("later"))!, reason);
      assert.deepEqual(messages, ["before"]);
    }
  });

  it("takes a message of the largest size there is", () => {
    const { messages, reader } = reading();
    assert.equal(reader.read(frameOf(new Uint8Array(MAX_MESSAGE).fill(7))), undefined);
    assert.equal((messages[0] as Uint8Array).length, MAX_MESSAGE);
  });
});

/** A pipe with room for so many bytes, and a reader at its other end. */
class NarrowPipe implements Pipe {
  room: number;
  state: "open" | "ended" | "dropped" = "open";
  readonly taken: Uint8Array[] = [];

  constructor(room: number) {
    this.room = room;
  }
  write(head: Uint8Array, body: Uint8Array): number {
    const bytes = joinBytes([head, body]).slice(0, this.room);
    this.taken.push(bytes);
    this.room -= bytes.length;
    return bytes.length;
  }
  end(): void {
    this.state = "ended";
  }
  terminate(): void {
    this.state = "dropped";
  }
}

function socketWith(room: number) {
  const pipe = new NarrowPipe(room);
  const told: string[] = [];
  const heard: Said[] = [];
  const socket = new LaneSocket({
    open: () => void told.push("open"),
    message: (message) => void heard.push(message),
    drain: () => void told.push("drain"),
    closed: (code, reason) => void told.push(`closed ${code} ${reason}`),
  });
  socket.opened(pipe);
  return { pipe, told, heard, socket };
}

describe("a lane's socket", () => {
  it("loses nothing and keeps the order, whenever the pipe has room, and counts what waits", () => {
    fc.assert(fc.property(
      fc.array(fc.oneof(said, fc.integer({ min: 1, max: 900 })), { maxLength: 40 }),
      fc.nat(500),
      (steps, room) => {
        const { pipe, told, socket } = socketWith(room);
        const sent: Said[] = [];
        const size = () => sent.reduce((sum, message) => sum + frameOf(message).length, 0);
        for (const step of steps) {
          if (typeof step === "number") {
            const [before, drains] = [socket.buffered, told.length];
            pipe.room += step;
            socket.writable();
            assert.equal(told.length - drains, before > 0 && socket.buffered === 0 ? 1 : 0);
          } else {
            sent.push(step);
            assert.equal(socket.send(step), socket.buffered);
          }
          assert.equal(socket.buffered, size() - joinBytes(pipe.taken).length);
        }
        socket.close(1000, "done");
        assert.equal(socket.send("late"), -1);
        pipe.room = Infinity;
        socket.writable();
        const { messages, ends, reader } = reading();
        reader.read(joinBytes(pipe.taken));
        assert.deepEqual(messages, sent);
        assert.deepEqual(ends, [[1000, "done"]]);
        assert.equal(pipe.state, "ended");
      },
    ));
  });

  it("may be given the same bytes again once it has sent them", () => {
    const { pipe, socket } = socketWith(6);
    const bytes = Uint8Array.of(1, 2, 3, 4);
    socket.send(bytes);
    bytes.fill(9);
    pipe.room = 100;
    socket.writable();
    assert.deepEqual([...joinBytes(pipe.taken)], [0, 0, 0, 4, 1, 2, 3, 4]);
  });

  it("tells how the other side closes, and hears nothing behind that", () => {
    const { pipe, told, heard, socket } = socketWith(100);
    socket.received(joinBytes([frame(LaneKind.close, closeBody(4_001, "moved")), frameOf("behind")]));
    assert.equal(pipe.state, "ended");
    socket.ended();
    assert.deepEqual(told, ["open", "closed 4001 moved"]);
    assert.deepEqual(heard, []);
  });

  it("ends at what is no message, and when the other process is gone, with its reason", () => {
    const bad = socketWith(100);
    bad.socket.received(frame(9, new Uint8Array(0)));
    bad.socket.ended();
    assert.deepEqual(bad.told, ["open", "closed 1002 a message of kind 9"]);

    const gone = socketWith(100);
    gone.socket.ended();
    assert.deepEqual(gone.told, ["open", "closed 1006 the other process is gone"]);
    assert.equal(gone.socket.send("anybody?"), -1);
  });

  it("that is closed before the pipe is there drops the pipe", () => {
    const told: string[] = [];
    const socket = new LaneSocket({
      message() {},
      closed: (code, reason) => void told.push(`${code} ${reason}`),
    });
    assert.equal(socket.send("too early"), -1);
    socket.close(1000, "changed my mind");
    const pipe = new NarrowPipe(100);
    socket.opened(pipe);
    assert.equal(pipe.state, "dropped");
    socket.ended();
    assert.deepEqual(told, ["1000 changed my mind"]);
  });

  it("hands on what a node relays where it lies, and a copy of all else, which may be kept", () => {
    const { heard, socket } = socketWith(100);
    const bytes = joinBytes([frameOf(Uint8Array.of(0x85, 1, 7)), frameOf(Uint8Array.of(0x82, 7, 0x40))]);
    socket.received(bytes);
    bytes.fill(0);
    assert.deepEqual(heard.map((each) => [...each as Uint8Array]), [[0, 0, 0], [0x82, 7, 0x40]]);
  });
});
