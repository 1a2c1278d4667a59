/**
 * Writes src/wire/vectors.json anew, after a change of the protocol:
 * `npx tsx test/wire/make_vectors.ts`. What it prints differently in git is what
 * other implementations must change.
 */
import { writeFileSync } from "node:fs";
import { type ExportableIdentity, identityFromSeed } from "../../src/identity/identity.ts";
import { signAnnouncement, topicKey } from "../../src/wire/announcement.ts";
import { encode, type Value } from "../../src/wire/cbor.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { encodeForward, forwardToData } from "../../src/wire/forward_frame.ts";
import * as frames from "../../src/wire/frames.ts";
import { meshMac } from "../../src/mesh/token.ts";
import type { AuthBody, PeerRecord, SignedBytes, WelcomeBody } from "../../src/wire/protocol.ts";
import { recordSigned, signRecord } from "../../src/wire/record.ts";
import { concatFrames } from "../../src/wire/sequence.ts";
import { contradictoryFrames, invalidBatches, invalidFrames, invalidItems } from "./invalid.ts";
import { hex, toJson, unhex } from "./notation.ts";

const fill = (byte: number, size: number): Uint8Array => new Uint8Array(size).fill(byte);
const peerSeed = fill(0x01, 32);
const nodeSeed = fill(0x02, 32);
const peer = await identityFromSeed(peerSeed);
const node = await identityFromSeed(nodeSeed);
const time = 1_764_000_000_000;

const record: PeerRecord = {
  peer: peer.publicKey,
  instance: fill(0x11, 16),
  started: time - 1000,
  linkKey: fill(0x12, 32),
  nodes: [node.publicKey],
  sequence: 0,
  issued: time,
  expires: time + 300_000,
  network: "main",
};
const signedRecord = await signRecord(peer, record);

const authBody: AuthBody = {
  id: peer.publicKey,
  role: 0,
  instance: record.instance,
  started: record.started,
  network: "main",
  challenge: fill(0x21, 32),
  host: "meet.example.org",
  agent: "waymeet/0.1.0 bun/1.4.5",
  features: [],
  token: null,
  age: 1000,
};
const welcomeBody: WelcomeBody = {
  session: fill(0x31, 16),
  liveness: 0,
  interval: 15_000,
  address: "192.0.2.7",
  maxPayload: 131_072,
  maxQueue: 4_194_304,
  nodes: ["wss://other.example.org"],
  stun: ["stun:meet.example.org:3478"],
  features: [],
};

const turn = [{
  urls: ["turn:turn.example.org:3478", "turns:turn.example.org:443"],
  username: "1800086400:abc",
  credential: "jK0hSYLbUGxKwg4uhrk9N3cwFZE=",
  expires: 1_800_086_400_000,
}];

const hello = frames.encodeHello({
  version: 1,
  node: node.publicKey,
  network: "main",
  challenge: fill(0x22, 32),
  time,
  features: [],
});

async function transcript(
  name: string,
  role: 0 | 1,
): Promise<{ json: object; auth: Uint8Array; welcome: Uint8Array }> {
  const body = frames.encodeAuthBody({ ...authBody, role });
  const authSigned = frames.authSigned(role, hello, body);
  const authSignature = await peer.sign(authSigned);
  const auth = frames.encodeAuth(body, authSignature);
  const welcomeBytes = frames.encodeWelcomeBody(role === 0 ? { ...welcomeBody, turn } : welcomeBody);
  const welcomeSigned = frames.welcomeSigned(hello, auth, welcomeBytes);
  const welcomeSignature = await node.sign(welcomeSigned);
  const welcome = frames.encodeWelcome(welcomeBytes, welcomeSignature);
  const json = toJson({
    name,
    role,
    dialerSeed: peerSeed,
    dialer: peer.publicKey,
    nodeSeed,
    node: node.publicKey,
    hello,
    authBody: body,
    authSigned,
    authSignature,
    auth,
    welcomeBody: welcomeBytes,
    welcomeSigned,
    welcomeSignature,
    welcome,
  }) as object;
  return { json, auth, welcome };
}

const asPeer = await transcript("a peer meets a node", 0);
const asNode = await transcript("a node dials a node", 1);

const ban = {
  operator: node.publicKey,
  subject: "192.0.2.0/24",
  reason: "noise",
  issued: time,
  until: time + 3_600_000,
};
const edges = { node: node.publicKey, epoch: time, version: 3, neighbours: [peer.publicKey] };
const edgesSignature = await node.sign(frames.edgesSigned("main", edges));
const proof = {
  token: "correct horse battery staple",
  network: "main",
  challenge: fill(0x22, 32),
  dialer: peer.publicKey,
  acceptor: node.publicKey,
};

const topic = await topicKey("main", "tea", "");
const announcementFields = { issued: time, expires: time + 300_000, network: "main" };
const announcement = await signAnnouncement(topic.identity, peer, announcementFields);

function control(name: string, bytes: Uint8Array): object {
  const frame = frames.decodeControl(bytes);
  if (frame === undefined) throw new Error(`${name} is malformed`);
  const { bytes: _, ...fields } = frame as { bytes?: Uint8Array };
  return { name, hex: hex(bytes), frame: toJson(fields) };
}

const attempt = fill(0x41, 16);
const broker = node.publicKey;
const times = { answer: 3_000, connect: 5_000 };
const nonce = unhex("0102030405060708");
const ping = frames.encodePing(nonce);
const anyBody: SignedBytes = { body: fill(0xa0, 3), signature: fill(0x44, 64) };

const data = [0, 5, 24, 256].map((size) => {
  const payload = fill(0x70, size);
  const bytes = encodeData(peer.publicKey, payload);
  return { name: `data of ${size} bytes`, hex: hex(bytes), ...json({ peer: peer.publicKey, payload }) };
});

const forward = [0, 23].map((hops) => {
  const payload = unhex("cafe");
  const bytes = encodeForward(hops, peer.publicKey, node.publicKey, payload);
  const rewritten = bytes.slice();
  const egress = rewritten.subarray(forwardToData(rewritten, 0));
  const fields = json({ hops, source: peer.publicKey, destination: node.publicKey, payload });
  return { name: `forward with ${hops} hops left`, hex: hex(bytes), egress: hex(egress), ...fields };
});

function json(value: unknown): object {
  return toJson(value) as object;
}

function batch(name: string, parts: Uint8Array[]): object {
  return { name, hex: hex(concatFrames(parts)), frames: parts.map(hex) };
}

const vectors = {
  about:
    "Test vectors of waymeet.1. h'…' are bytes. README.md beside this file explains; test/wire reads all of them.",
  control: [
    control("hello", hello),
    control("auth of a peer", asPeer.auth),
    control("auth of a node", asNode.auth),
    control("welcome", asPeer.welcome),
    control("bye: closed, nothing to say", frames.encodeBye(1, "")),
    control(
      "bye: over capacity, with nodes to try",
      frames.encodeBye(4, "full", ["wss://other.example.org/"]),
    ),
    control("bye: a reason this version does not know", frames.encodeBye(999, "später")),
    control("ping", ping),
    control("pong", frames.encodePong(nonce)),
    control("notice: absent", frames.encodeNotice(32, peer.publicKey)),
    control("publish", frames.encodePublish(signedRecord)),
    control("publish: the body is kept unread", frames.encodePublish(anyBody)),
    control("lookup", frames.encodeLookup(4_294_967_295, peer.publicKey)),
    control("found", frames.encodeFound(7, 0, signedRecord)),
    control("found: for how long", frames.encodeFound(7, 0, { ...signedRecord, left: 299_990 })),
    control("found: absent", frames.encodeFound(7, 32, null)),
    control("nodes", frames.encodeNodes(["wss://node.example.org", "ws://127.0.0.1:8787"])),
    control("nodes: none", frames.encodeNodes([])),
    control(
      "rate",
      frames.encodeRate({
        framesPerSecond: 100,
        frameBurst: 1024,
        bytesPerSecond: 1_000_000,
        byteBurst: 4_194_304,
        pause: 0,
      }),
    ),
    control(
      "rate: throttled",
      frames.encodeRate({
        framesPerSecond: 0,
        frameBurst: 0,
        bytesPerSecond: 65_536,
        byteBurst: 1_048_576,
        pause: 250,
      }),
    ),
    control("announce", frames.encodeAnnounce(announcement, true)),
    control("withdraw", frames.encodeWithdraw(topic.identity.publicKey)),
    control("roster", frames.encodeRoster(0, topic.identity.publicKey, 2, [node.publicKey])),
    control("roster: refused", frames.encodeRoster(15, topic.identity.publicKey, 0, [])),
    control("member", frames.encodeMember(topic.identity.publicKey, node.publicKey, true)),
    control("watch", frames.encodeWatch([peer.publicKey, node.publicKey])),
    control("unwatch", frames.encodeUnwatch([peer.publicKey])),
    control("sighting: at a node", frames.encodeSighting(0, peer.publicKey, node.publicKey)),
    control("sighting: absent", frames.encodeSighting(32, peer.publicKey, null)),
    control(
      "greet: a node of a mesh by token",
      frames.encodeGreet({
        epoch: time,
        urls: ["wss://node.example.org"],
        mac: meshMac(proof.token, proof, "dialer"),
      }),
    ),
    control("greet: a node that only dials out", frames.encodeGreet({ epoch: time, urls: [], mac: null })),
    control(
      "members",
      frames.encodeMembers([
        { node: node.publicKey, epoch: time, incarnation: 0, state: 0, urls: ["wss://node.example.org"] },
        { node: peer.publicKey, epoch: time - 1, incarnation: 2, state: 3, urls: [] },
      ]),
    ),
    control("members: nobody", frames.encodeMembers([])),
    control("probe", frames.encodeProbe(4_294_967_296, node.publicKey)),
    control("probeAck", frames.encodeProbeAck(4_294_967_296, node.publicKey)),
    control(
      "presence: one came, one left",
      frames.encodePresence({
        origin: node.publicKey,
        epoch: time,
        from: 6,
        to: 9,
        entries: [
          { version: 7, peer: peer.publicKey, record: signedRecord },
          { version: 8, peer: peer.publicKey, record: signedRecord, topics: [announcement] },
          { version: 9, peer: node.publicKey, record: null },
        ],
      }),
    ),
    control(
      "presence: for how long",
      frames.encodePresence({
        origin: node.publicKey,
        epoch: time,
        from: 6,
        to: 9,
        entries: [
          { version: 7, peer: peer.publicKey, record: signedRecord, left: 299_990 },
          { version: 9, peer: node.publicKey, record: null },
        ],
      }),
    ),
    control(
      "presence: nothing is left of a range",
      frames.encodePresence({ origin: node.publicKey, epoch: time, from: 0, to: 9, entries: [] }),
    ),
    control(
      "digest: a question",
      frames.encodeDigest({
        answer: false,
        points: [{ origin: node.publicKey, epoch: time, version: 9 }],
      }),
    ),
    control("digest: the end of an answer", frames.encodeDigest({ answer: true, points: [] })),
    control("ban", frames.encodeBan({ ...ban, signature: await node.sign(frames.banSigned("main", ban)) })),
    control("edges", frames.encodeEdges({ ...edges, signature: edgesSignature })),
    control(
      "undelivered: absent",
      frames.encodeUndelivered({
        hops: 7,
        source: peer.publicKey,
        destination: node.publicKey,
        reason: 32,
      }),
    ),
    ...(["attemptTo", "attemptFrom"] as const).map((kind) => {
      const outcome = { kind: "outcome", attempt, reason: 96, duration: 240 } as const;
      const report = { kind: "report", attempt, broker, reason: 96 } as const;
      const frame = frames.encodeAttemptFrame(kind === "attemptTo" ? outcome : report);
      return control(kind, frames.encodeConveyed({ kind, hops: 8, broker, peer: peer.publicKey, frame }));
    }),
    ...([
      { kind: "attempt", request: 7, peer: peer.publicKey },
      { kind: "granted", request: 7, attempt, ...times },
      { kind: "denied", request: 7, reason: 36, retryAfter: 10_000 },
      { kind: "invite", attempt, broker, peer: peer.publicKey, ...times },
      { kind: "answer", attempt, broker, reason: 0, held: 2 },
      { kind: "start", attempt, delay: 20 },
      { kind: "report", attempt, broker, reason: 99 },
      { kind: "outcome", attempt, reason: 100, duration: 5_020 },
    ] as const).map((frame) => control(frame.kind, frames.encodeAttemptFrame(frame))),
  ],
  extended: [
    control("ping with an element of a later version", encode([6, nonce, null])),
    control("bye with a list of a later version", encode([5, 1, "", [], [1, 2]])),
    control("a kind of a later version", encode([100, "x", [1, null, false]])),
    control(
      "a member with an element of a later version",
      encode([17, [[node.publicKey, time, 0, 0, [], "new"]], null]),
    ),
    control("a kind of a later version within the mesh", encode([31, 1])),
    control("a kind of a later version within the session", encode([15])),
    control("a kind for experiments", encode([1024])),
    control("a kind with a map", encode([56, new Map<string, Value>([["bb", 2], ["a", 1], ["ä", [true]]])])),
  ],
  data,
  forward,
  record: toJson({
    seed: peerSeed,
    fields: record,
    body: signedRecord.body,
    signed: recordSigned(signedRecord.body),
    signature: signedRecord.signature,
  }),
  edges: toJson({
    seed: nodeSeed,
    network: "main",
    fields: edges,
    signed: frames.edgesSigned("main", edges),
    signature: edgesSignature,
  }),
  topic: toJson({
    network: "main",
    name: "tea",
    secret: "",
    seed: (topic.identity as ExportableIdentity).seed,
    topic: topic.identity.publicKey,
    proof: topic.proof(peer.publicKey, node.publicKey),
    peerSeed,
    fields: announcementFields,
    announcement,
  }),
  meshMac: toJson({
    ...proof,
    byDialer: meshMac(proof.token, proof, "dialer"),
    byAcceptor: meshMac(proof.token, proof, "acceptor"),
  }),
  transcripts: [asPeer.json, asNode.json],
  batches: [
    batch("one frame", [ping]),
    batch("control, data, a kind of a later version", [
      ping,
      encodeData(peer.publicKey, unhex("cafe")),
      encode([100]),
    ]),
    batch("frames that follow an auth", [
      asPeer.auth,
      frames.encodePublish(signedRecord),
      encodeData(node.publicKey, unhex("00")),
    ]),
  ],
  invalid: {
    about:
      "cbor: not one deterministic item. frame: not a control frame. contradictory: nor these, though the CDDL cannot say why. message: not a batch of frames.",
    cbor: invalidItems,
    frame: invalidFrames({ hello, auth: asPeer.auth, welcome: asPeer.welcome }),
    contradictory: contradictoryFrames(),
    message: invalidBatches(ping),
  },
};

const target = new URL("../../src/wire/vectors.json", import.meta.url);
writeFileSync(target, `${JSON.stringify(vectors, null, 2)}\n`);
