/** The relay: what arrives, in which order, and what is said of what does not. */
import assert from "node:assert/strict";
import { encodeLookup } from "../../src/wire/frames.ts";
import { MAX_MESSAGE, MAX_PAYLOAD } from "../../src/wire/limits.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { bytes, publishOf, texts } from "../rendezvous/peers.ts";
import { type Check, QUEUE, type Target } from "./check.ts";
import { until, visit, type Visitor } from "./visitor.ts";

async function two({ url }: Target): Promise<[Visitor, Visitor]> {
  return [await visit(url), await visit(url)];
}

async function bothWays(target: Target): Promise<void> {
  const [a, b] = await two(target);
  const payload = Uint8Array.from({ length: MAX_PAYLOAD }, (_, i) => i * 31 + (i >> 8));
  a.send(b, payload);
  b.send(a, bytes(""));
  await until("both arrive", () => a.heard.length + b.heard.length === 2);
  assert.deepEqual(b.heard[0], { from: a.key, payload });
  assert.deepEqual(a.heard[0], { from: b.key, payload: bytes("") });
}

async function batches(target: Target): Promise<void> {
  const [a, b] = await two(target);
  const c = await visit(target.url);
  for (let i = 0; i < 2_560; i += 256) {
    const numbered = (j: number): [Visitor, Uint8Array] => {
      return [(i + j) % 3 === 0 ? c : b, bytes(`${i + j} ${"x".repeat(j % 50)}`)];
    };
    a.sendAll(...Array.from({ length: 256 }, (_, j) => numbered(j)));
  }
  await until("all arrive", () => b.heard.length + c.heard.length === 2_560);
  const numbers = (peer: Visitor) => texts(peer.heard).map((text) => parseInt(text));
  const all = Array.from({ length: 2_560 }, (_, i) => i);
  assert.deepEqual(numbers(c), all.filter((i) => i % 3 === 0));
  assert.deepEqual(numbers(b), all.filter((i) => i % 3 !== 0));
  assert.ok(b.messages <= 10 && c.messages <= 10, `${b.messages} and ${c.messages} messages`);
}

async function absent(target: Target): Promise<void> {
  const [a, b] = await two(target);
  a.sendAll([new Uint8Array(32).fill(7), bytes("?")], [b, bytes("!")]);
  await until("one arrives, one is answered", () => b.heard.length + a.notices().length === 2);
  assert.deepEqual(a.notices()[0], {
    kind: "notice",
    reason: Reason.absent,
    peer: new Uint8Array(32).fill(7),
  });
  b.socket.terminate();
  await until("who talked with it is told", () => a.notices().length === 2);
  assert.deepEqual(a.notices()[1], { kind: "notice", reason: Reason.gone, peer: b.key });
}

async function records(target: Target): Promise<void> {
  const [a, b] = await two(target);
  b.session.send(await publishOf(b, [b.session.hello!.node]));
  a.session.send(encodeLookup(1, new Uint8Array(32).fill(7)));
  await until("nobody is there", () => a.found().length === 1);
  assert.deepEqual([a.found()[0]!.request, a.found()[0]!.reason], [1, Reason.absent]);
  await until("the record is found", async () => {
    const asked = a.found().length;
    a.session.send(encodeLookup(2, b.key));
    await until("an answer", () => a.found().length > asked);
    return a.found().at(-1)!.reason === Reason.none;
  });
  assert.ok(a.found().at(-1)!.record);
  b.session.close(Reason.closed);
  await until("who asked is told", () => a.notices().some(({ reason }) => reason === Reason.gone));
}

async function oversize(target: Target): Promise<void> {
  const [a, b] = await two(target);
  a.send(b, new Uint8Array(MAX_PAYLOAD + 1));
  await until("it is refused", () => a.notices().length === 1);
  assert.deepEqual(a.notices()[0], { kind: "notice", reason: Reason.tooLarge, peer: b.key });
  a.send(b, bytes("smaller"));
  await until("the session goes on", () => b.heard.length === 1);
  a.socket.send(new Uint8Array(MAX_MESSAGE + 1));
  await until("too large a message ends it", () => a.close !== undefined);
  b.send(b, bytes("fine"));
  await until("others go on", () => b.heard.length === 2);
}

/** Frames of 50 kB; as many fill a queue, and what the kernels between hold besides. */
const SIZE = 50_000;
const FRAMES = 400;

function numbered(i: number): Uint8Array {
  const payload = new Uint8Array(SIZE);
  new DataView(payload.buffer).setUint32(0, i);
  return payload;
}

async function slowReader(target: Target): Promise<void> {
  const [a, b] = await two(target);
  const deaf = await visit(target.url);
  deaf.socket.pause();
  for (let i = 0; i < FRAMES; i++) a.send(deaf, numbered(i));
  await until("its queue is full", () => a.notices().some(({ reason }) => reason === Reason.queueFull));
  a.send(b, bytes("beside it"));
  await until("others are not held up", () => b.heard.length === 1);
  deaf.socket.terminate();
  await until("its end is seen", () => a.notices().some(({ reason }) => reason === Reason.gone));
}

async function backPressure(target: Target): Promise<void> {
  const [a, b] = await two(target);
  b.socket.pause();
  for (let i = 0; i < FRAMES; i++) a.send(b, numbered(i));
  await until("its queue is full", () => a.notices().length > 0);
  b.socket.resume();
  await until("each is delivered or answered for", () => b.heard.length + a.notices().length === FRAMES);
  const order = b.heard.map(({ payload }) => new DataView(payload.buffer, payload.byteOffset).getUint32(0));
  assert.deepEqual(order, order.toSorted((one, other) => one - other), "in order");
  assert.ok(order.length * SIZE >= QUEUE / 2, "a queue's worth is delivered");
  assert.ok(a.notices().every(({ reason }) => reason === Reason.queueFull));
  a.send(b, bytes("room again"));
  await until("there is room again", () => texts(b.heard.slice(-1))[0] === "room again");
}

export const RELAY_CHECKS: Check[] = [
  { name: "frames are relayed both ways, byte for byte", run: bothWays },
  { name: "batches keep order and stay batches", run: batches },
  { name: "the absent are answered for, who leaves is missed", run: absent },
  { name: "a record is found while its peer is here", run: records },
  { name: "an oversize frame is refused, its session goes on", run: oversize },
  { name: "a slow reader fills its own queue alone", run: slowReader },
  { name: "what is not delivered is answered for", run: backPressure },
];
