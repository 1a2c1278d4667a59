import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../src/wire/cbor.ts";
import * as frames from "../../src/wire/frames.ts";
import { type Control, Kind, Role } from "../../src/wire/protocol.ts";
import { decodeWelcomeBody } from "../../src/wire/session_frames.ts";
import { encodeControl } from "./encode_control.ts";
import { fromJson, unhex } from "./notation.ts";
import { readVectors } from "./vectors.ts";

const sized = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const text = fc.string({ maxLength: 60 });
const texts = fc.array(text, { maxLength: 16 });
const urls = fc.array(fc.webUrl({ validSchemes: ["ws", "wss"], size: "small" }), { maxLength: 16 })
  .filter((urls) => urls.every((url) => url.length <= 256));
/** Objects as the code makes them, with a prototype. */
const shape = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const key = sized(32);
const reason = fc.nat(999);
const someReason = fc.integer({ min: 1, max: 999 });
const attempt = sized(16);
const time = fc.nat(60_000);
const left = fc.nat(300_000);
const request = fc.nat(0xffff_ffff);
const record = shape({ body: fc.uint8Array(), signature: sized(64) });
const frame: fc.Arbitrary<Control> = fc.oneof(
  shape({
    kind: fc.constant("hello" as const),
    version: fc.nat(),
    node: key,
    network: text,
    challenge: key,
    time: fc.maxSafeNat(),
    features: texts,
    bytes: fc.constant(new Uint8Array()),
  }),
  shape({ kind: fc.constant("bye" as const), reason, text, nodes: urls }),
  shape({ kind: fc.constant("nodes" as const), nodes: urls }),
  shape({
    kind: fc.constant("rate" as const),
    framesPerSecond: fc.maxSafeNat(),
    frameBurst: fc.nat(),
    bytesPerSecond: fc.maxSafeNat(),
    byteBurst: fc.nat(),
    pause: fc.nat(),
  }),
  shape({ kind: fc.constantFrom("ping" as const, "pong" as const), nonce: sized(8) }),
  shape({ kind: fc.constant("notice" as const), reason, peer: key }),
  shape({
    kind: fc.constant("announce" as const),
    announcement: fc.uint8Array({ maxLength: 512 }),
    tells: fc.boolean(),
  }),
  shape({ kind: fc.constant("withdraw" as const), topic: key }),
  shape({
    kind: fc.constant("roster" as const),
    reason,
    topic: key,
    size: fc.maxSafeNat(),
    peers: fc.array(key, { maxLength: 64 }),
  }),
  shape({ kind: fc.constant("member" as const), topic: key, peer: key, present: fc.boolean() }),
  shape({
    kind: fc.constantFrom("watch" as const, "unwatch" as const),
    peers: fc.array(key, { maxLength: 256 }),
  }),
  shape({ kind: fc.constant("sighting" as const), reason: fc.constant(0), peer: key, node: key }),
  shape({
    kind: fc.constant("sighting" as const),
    reason: fc.integer({ min: 1, max: 999 }),
    peer: key,
    node: fc.constant(null),
  }),
  shape({ kind: fc.constant("publish" as const), record }),
  shape({ kind: fc.constant("lookup" as const), request, peer: key }),
  shape({ kind: fc.constant("found" as const), request, reason: fc.constant(0), record }),
  fc.tuple(request, record, left).map(([request, record, left]) => ({
    kind: "found" as const,
    request,
    reason: 0,
    record: { ...record, left },
  })),
  shape({
    kind: fc.constant("found" as const),
    request,
    reason: fc.integer({ min: 1, max: 999 }),
    record: fc.constant(null),
  }),
  shape({ kind: fc.constant("attempt" as const), request, peer: key }),
  shape({ kind: fc.constant("granted" as const), request, attempt, answer: time, connect: time }),
  shape({ kind: fc.constant("denied" as const), request, reason: someReason, retryAfter: fc.maxSafeNat() }),
  shape({
    kind: fc.constant("invite" as const),
    attempt,
    broker: key,
    peer: key,
    answer: time,
    connect: time,
  }),
  shape({ kind: fc.constant("answer" as const), attempt, broker: key, reason, held: time }),
  shape({ kind: fc.constant("start" as const), attempt, delay: time }),
  shape({ kind: fc.constant("report" as const), attempt, broker: key, reason: someReason }),
  shape({ kind: fc.constant("outcome" as const), attempt, reason: someReason, duration: fc.maxSafeNat() }),
);
const authFields = {
  id: key,
  role: fc.constantFrom(Role.peer, Role.node),
  instance: sized(16),
  started: fc.maxSafeNat(),
  network: text,
  challenge: key,
  host: text,
  agent: text,
  features: texts,
  token: fc.oneof(fc.constant(null), fc.string({ maxLength: 1000 })),
};
const authBody = fc.oneof(shape(authFields), shape({ ...authFields, age: fc.maxSafeNat() }));
const welcomeBody = shape({
  session: sized(16),
  liveness: fc.constantFrom(0 as const, 1 as const),
  interval: fc.integer({ min: 100, max: 3_600_000 }),
  address: text,
  maxPayload: fc.maxSafeNat(),
  maxQueue: fc.maxSafeNat(),
  nodes: urls,
  stun: fc.array(fc.domain().map((host) => `stun:${host}`), { maxLength: 16 }),
  features: texts,
});

const turnServer = fc.record({
  urls: fc.array(fc.domain().map((host) => `turn:${host}`), { maxLength: 4 }),
  username: text,
  credential: text,
  expires: fc.maxSafeNat(),
}, { noNullPrototype: true });

describe("control frames", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(frame, (frame) => {
        const bytes = encodeControl(frame);
        const expected = frame.kind === "hello" ? { ...frame, bytes } : frame;
        assert.deepEqual(frames.decodeControl(bytes), expected);
      }),
      { numRuns: 300 },
    );
  });

  it("auth keeps the exact bytes that are signed", () => {
    fc.assert(
      fc.property(authBody, sized(64), (body, signature) => {
        const bodyBytes = frames.encodeAuthBody(body);
        const bytes = frames.encodeAuth(bodyBytes, signature);
        assert.deepEqual(frames.decodeControl(bytes), { kind: "auth", body, bodyBytes, signature, bytes });
      }),
    );
  });

  it("welcome tells TURN servers, and without them has the bytes it had before there were any", () => {
    fc.assert(
      fc.property(welcomeBody, fc.array(turnServer, { maxLength: 4 }), (body, turn) => {
        const read = decodeWelcomeBody(frames.encodeWelcomeBody({ ...body, turn }));
        assert.deepEqual(read, { ...body, turn });
        assert.equal((decode(frames.encodeWelcomeBody(body)) as unknown[]).length, 9);
      }),
    );
    const body = fc.sample(welcomeBody, 1)[0]!;
    const server = { urls: ["turn:a.example"], username: "u", credential: "c", expires: 1 };
    const refused = [
      Array(5).fill(server),
      [{ ...server, urls: ["stun:a.example"] }],
      [{ ...server, urls: Array(5).fill("turn:a") }],
      [{ ...server, expires: -1 }],
      [{ ...server, username: "x".repeat(257) }],
    ];
    for (const turn of refused) assert.throws(() => frames.encodeWelcomeBody({ ...body, turn }), RangeError);
  });

  it("welcome keeps the exact bytes that are signed", () => {
    fc.assert(
      fc.property(welcomeBody, sized(64), (body, signature) => {
        const bodyBytes = frames.encodeWelcomeBody(body);
        const bytes = frames.encodeWelcome(bodyBytes, signature);
        assert.deepEqual(frames.decodeControl(bytes), { kind: "welcome", body, bodyBytes, signature });
      }),
    );
  });

  it("mutated never throw", () => {
    const originals = readVectors().control.map(({ hex }) => unhex(hex));
    fc.assert(
      fc.property(fc.constantFrom(...originals), fc.nat(), fc.nat(255), (original, at, byte) => {
        const bytes = original.slice();
        bytes[at % bytes.length] = byte;
        frames.decodeControl(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("outlive the message they came in", () => {
    const bytes = readVectors().control.filter(({ name }) => name === "hello").map(({ hex }) =>
      unhex(hex)
    )[0]!;
    const original = bytes.slice();
    const hello = frames.decodeControl(bytes);
    bytes.fill(0);
    assert.ok(hello?.kind === "hello");
    assert.deepEqual(hello.bytes, original);
  });

  it("of a node's hellos are the same however they are written", () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const texts = fc.array(fc.string({ maxLength: 40 }), { maxLength: 3 });
    const time = fc.oneof(fc.maxSafeNat(), fc.nat(30));
    fc.assert(fc.property(bytes32, bytes32, time, texts, (node, challenge, time, features) => {
      const fields = { version: 1, node, network: "default", features };
      const written = frames.helloWriter(fields)(challenge, time);
      assert.deepEqual(written, frames.encodeHello({ ...fields, challenge, time }));
    }));
  });

  it("of a caller are refused before they are written, where a reader would refuse them", () => {
    const hello = fromJson(readVectors().control[0]!.frame);
    assert.throws(() => frames.encodeHello({ ...hello, network: "n".repeat(257) }), RangeError);
    assert.throws(() => frames.encodeHello({ ...hello, challenge: new Uint8Array(31) }), RangeError);
    assert.throws(() => frames.encodeBye(2, "", ["https://example.org"]), RangeError);
    assert.throws(() => frames.encodeBye(1000, ""), RangeError);
    assert.throws(() => frames.encodePing(new Uint8Array(7)), RangeError);
    assert.throws(() => frames.encodeNotice(32, new Uint8Array(31)), RangeError);
    assert.throws(() => frames.encodeLookup(-1, new Uint8Array(32)), RangeError);
    assert.throws(() => frames.encodeFound(1, 0, null), RangeError);
    assert.throws(() => frames.encodeAuth(new Uint8Array(), new Uint8Array(64)), RangeError);
  });

  it("bye shortens a long text rather than fail while a session ends", () => {
    const bye = frames.decodeControl(frames.encodeBye(16, `\ufeff\ufeff${"é".repeat(300)}\ud800`));
    assert.deepEqual(bye, { kind: "bye", reason: 16, text: "é".repeat(128), nodes: [] });
  });
});

const uint = fc.maxSafeNat();
const fewUrls = urls.map((urls) => urls.slice(0, 2));
const member = shape({
  node: key,
  epoch: uint,
  incarnation: uint,
  state: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
  urls: fewUrls,
});
const entries = fc.uniqueArray(
  shape({ version: fc.integer({ min: 1 }), peer: key, record: fc.option(record) }),
  {
    maxLength: 30,
    selector: ({ version }) => version,
  },
).map((entries) => entries.sort((a, b) => a.version - b.version));
const delta = fc.tuple(key, uint, entries, fc.nat(), fc.nat(1), fc.option(left)).map((
  [origin, epoch, entries, from, more, left],
) => ({
  kind: "presence" as const,
  origin,
  epoch,
  from,
  to: from + (entries.at(-1)?.version ?? 0) + more,
  entries: entries.map((entry, i) => {
    const moved = { ...entry, version: from + entry.version };
    return left === null || !entry.record ? moved : { ...moved, left: Math.max(0, left - i) };
  }),
}));
const meshFrame: fc.Arbitrary<Control> = fc.oneof(
  shape({
    kind: fc.constantFrom("attemptTo" as const, "attemptFrom" as const),
    hops: fc.nat(23),
    broker: key,
    peer: key,
    frame: fc.uint8Array({ maxLength: 128 }),
  }),
  shape({ kind: fc.constant("greet" as const), epoch: uint, urls, mac: fc.option(key) }),
  shape({ kind: fc.constant("members" as const), members: fc.array(member, { maxLength: 24 }) }),
  shape({
    kind: fc.constantFrom("probe" as const, "probeAck" as const),
    nonce: fc.maxSafeNat(),
    target: key,
  }),
  delta,
  shape({
    kind: fc.constant("digest" as const),
    answer: fc.boolean(),
    points: fc.array(shape({ origin: key, epoch: uint, version: uint }), { maxLength: 256 }),
  }),
  shape({
    kind: fc.constant("ban" as const),
    operator: key,
    subject: text,
    reason: text,
    issued: fc.maxSafeNat(),
    until: fc.maxSafeNat(),
    signature: sized(64),
  }),
  shape({
    kind: fc.constant("edges" as const),
    node: key,
    epoch: uint,
    version: uint,
    neighbours: fc.array(key, { maxLength: 256 }),
    signature: sized(64),
  }),
  shape({
    kind: fc.constant("undelivered" as const),
    hops: fc.nat(23),
    source: key,
    destination: key,
    reason,
  }),
);

describe("where no node enters", () => {
  it("all that passes between a peer and a node is read the same, and frames between nodes are unknown", () => {
    fc.assert(
      fc.property(frame, meshFrame, (frame, meshFrame) => {
        const [bytes, meshBytes] = [encodeControl(frame), encodeControl(meshFrame)];
        assert.deepEqual(frames.decodePeerControl(bytes), frames.decodeControl(bytes));
        const number = Kind[meshFrame.kind as keyof typeof Kind];
        assert.deepEqual(frames.decodePeerControl(meshBytes), { kind: "unknown", number });
      }),
      { numRuns: 200 },
    );
  });
});

describe("frames between nodes", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(meshFrame, (frame) => {
        assert.deepEqual(frames.decodeControl(encodeControl(frame)), frame);
      }),
      { numRuns: 200 },
    );
  });

  it("fit when they are as large as their bounds permit", () => {
    const keys = Array.from({ length: 256 }, (_, i) => new Uint8Array(32).fill(i));
    const max = Number.MAX_SAFE_INTEGER;
    const points = keys.map((origin) => ({ origin, epoch: max, version: max }));
    const gone = keys.map((peer, i) => ({ version: max - 256 + i, peer, record: null }));
    const delta = { origin: keys[0]!, epoch: max, from: 1, to: max, entries: gone };
    const signed = {
      node: keys[0]!,
      epoch: max,
      version: max,
      neighbours: keys,
      signature: new Uint8Array(64),
    };
    for (const bytes of [frames.encodeDigest({ answer: false, points }), frames.encodePresence(delta)]) {
      assert.ok(frames.decodeControl(bytes), "malformed");
    }
    assert.ok(frames.decodeControl(frames.encodeEdges(signed)));
    assert.throws(() => frames.encodeDigest({ answer: false, points: [...points, points[0]!] }), RangeError);
  });

  it("whose list makes them larger than a frame are refused before they are written", () => {
    const body = new Uint8Array(2048);
    const record = { body, signature: new Uint8Array(64) };
    const entry = { peer: new Uint8Array(32), record };
    const entries = Array.from({ length: 8 }, (_, i) => ({ ...entry, version: i + 1 }));
    const delta = { origin: new Uint8Array(32), epoch: 1, from: 0, to: 8, entries };
    assert.throws(() => frames.encodePresence(delta), /cut its list/);
    assert.ok(frames.encodePresence({ ...delta, entries: entries.slice(0, 7) }));
  });

  it("edges are signed for one network, node, epoch, version and set of neighbours", () => {
    const [node, other] = [new Uint8Array(32), new Uint8Array(32).fill(1)];
    const edges = { node, epoch: 1, version: 2, neighbours: [other] };
    const all = [
      frames.edgesSigned("main", edges),
      frames.edgesSigned("test", edges),
      frames.edgesSigned("main", { ...edges, node: other }),
      frames.edgesSigned("main", { ...edges, epoch: 2 }),
      frames.edgesSigned("main", { ...edges, version: 1 }),
      frames.edgesSigned("main", { ...edges, neighbours: [] }),
    ];
    assert.equal(new Set(all.map(String)).size, all.length);
  });
});

describe("what is signed", () => {
  const [hello, auth, body] = [1, 2, 3].map((byte) => encode(byte)) as [Uint8Array, Uint8Array, Uint8Array];

  it("differs by role and direction, so no signature serves for another purpose", () => {
    const all = [
      frames.authSigned(Role.peer, hello, body),
      frames.authSigned(Role.node, hello, body),
      frames.welcomeSigned(hello, auth, body),
    ];
    assert.equal(new Set(all.map(String)).size, all.length);
  });

  it("cannot be shifted from one part into the next", () => {
    const split = (a: string, b: string): string => String(frames.authSigned(Role.peer, unhex(a), unhex(b)));
    assert.notEqual(split("0102", "03"), split("01", "0203"));
  });
});
