import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EPOCH_AHEAD } from "../../src/mesh/presence_limits.ts";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import { peerIdText } from "../../src/identity/peer_id.ts";
import { meshMac } from "../../src/mesh/token.ts";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { dialSession } from "../../src/session/dial.ts";
import type { Session, SessionEnd } from "../../src/session/session.ts";
import { encodeData } from "../../src/wire/data_frame.ts";
import { decodeControl, encodeGreet, encodeMembers, encodePresence } from "../../src/wire/frames.ts";
import { type Control, Reason, Role } from "../../src/wire/protocol.ts";
import { encodeRecordBody } from "../../src/wire/record.ts";
import { VirtualWorld } from "../peer/virtual_world.ts";

const TOKEN = "a token of this network";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

describe("a stranger at a mesh", () => {
  let world: VirtualWorld;
  let urls: string[];
  let identity: Identity;
  const status = (i: number): MeshStatus => world.node(urls[i]).meshStatus()!;

  beforeEach(async () => {
    world = new VirtualWorld();
    urls = await world.startMesh(2);
    identity = await generateIdentity();
  });
  afterEach(() => world.end());

  interface Visit {
    session: Session;
    frames: Control[];
    end: SessionEnd | undefined;
  }

  /** A session of role node with the first node; `greet` makes its first frame. */
  async function visit(greet: (session: Session) => Uint8Array): Promise<Visit> {
    const seen: Partial<Visit> & { frames: Control[] } = { frames: [], end: undefined };
    seen.session = dialSession({
      url: urls[0]!,
      identity,
      role: Role.node,
      decode: decodeControl,
      network: "default",
      instance: random(16),
      started: world.clock.wall(),
      agent: "stranger/1",
      connect: (url, handlers) => world.dial(url, handlers),
      clock: world.clock,
      random,
      handlers: {
        ready: (session) => void session.send(greet(session)),
        data() {},
        control: (_, frame) => void seen.frames.push(frame),
        closed: (_, end) => void (seen.end = end),
      },
    });
    await world.pass(500);
    return seen as Visit;
  }

  const proof = (session: Session, token: string) =>
    meshMac(token, {
      network: "default",
      challenge: session.hello!.challenge,
      dialer: identity.publicKey,
      acceptor: session.remoteKey,
    }, "dialer");
  const greeting = (mac: Uint8Array | null) => encodeGreet({ epoch: world.clock.wall(), urls: [], mac });

  function assertUnknown(reason: string): void {
    assert.equal(status(0).refusals[reason], 1);
    for (const i of [0, 1]) assert(!status(i).members.some(({ node }) => node === identity.id));
  }

  it("with a wrong token is refused and counted, and the others never learn of it", async () => {
    const { end } = await visit((session) => greeting(proof(session, "a token of another one")));
    assert.equal(end!.reason, Reason.unauthorized);
    assertUnknown("wrong-token");
  });

  it("without a proof is refused", async () => {
    const { end } = await visit(() => greeting(null));
    assert.equal(end!.reason, Reason.unauthorized);
    assertUnknown("no-token");
  });

  it("that plays a proof of an earlier session back is refused", async () => {
    let first: Uint8Array | undefined;
    const { session } = await visit((session) => first = greeting(proof(session, TOKEN)));
    assert.equal(session.state, "ready");
    session.close(Reason.closed);
    await world.pass(100);
    const { end } = await visit(() => first!);
    assert.equal(end!.reason, Reason.unauthorized);
    assert.equal(status(0).refusals["wrong-token"], 1);
  });

  it("that sends anything before its greet is refused", async () => {
    const { end } = await visit(() => encodeMembers([]));
    assert.equal(end!.reason, Reason.unauthorized);
    assertUnknown("no-greet");
  });

  it("that is not on the list is refused in the handshake", async () => {
    const url = "ws://127.0.3.1";
    await world.start(url, { mesh: { allow: [], urls: [url] } });
    urls[0] = url;
    const { end } = await visit(() => greeting(null));
    assert.equal(end!.reason, Reason.unauthorized);
    assert.equal(world.node(url).meshStatus()!.refusals["not-allowed"], 1);
  });

  it("that forges a record is refused and counted, and in the end sent away", async () => {
    const visitor = await visit((session) => greeting(proof(session, TOKEN)));
    const peer = (await generateIdentity()).publicKey;
    const issued = world.clock.wall();
    const body = encodeRecordBody({
      peer,
      instance: random(16),
      started: issued,
      linkKey: random(32),
      nodes: [identity.publicKey],
      sequence: 1,
      issued,
      expires: issued + 100_000,
      network: "default",
    });
    const entry = { version: 1, peer, record: { body, signature: random(64) } };
    const forged = { origin: identity.publicKey, epoch: issued, from: 0, to: 1, entries: [entry] };
    for (let i = 0; i < 3; i++) {
      visitor.session.send(encodePresence(forged));
      await world.pass(50);
    }
    await world.pass(200);
    assert.equal(status(0).refusals["bad-signature"], 3);
    assert.equal(visitor.end!.reason, Reason.protocolError);
    assert.equal(status(1).presence.peers, 0);
    assert.equal(
      world.node(urls[1]).meshStatus()!.presence.origins.some(({ origin }) => origin === peerIdText(peer)),
      false,
    );
  });

  it("that is proven but sends data frames is not heard, and claims of a far epoch are refused", async () => {
    const { session } = await visit((session) => greeting(proof(session, TOKEN)));
    session.sendBatch(encodeData(random(32), random(3)));
    const node = (await generateIdentity()).publicKey;
    const epoch = world.clock.wall() + EPOCH_AHEAD + 1_000;
    session.send(encodeMembers([{ node, epoch, incarnation: 0, state: 0, urls: [] }]));
    await world.pass(100);
    assert.equal(status(0).refusals["data-from-node"], 1);
    assert.equal(status(0).refusals["invalid"], 1);
    assert(!status(1).members.some((member) => member.node === peerIdText(node)));
  });

  it("that is proven but floods the mesh with members is counted and sent away, and the others never learn of them", async () => {
    const { session } = await visit((session) => greeting(proof(session, TOKEN)));
    const made = Array.from({ length: 32 }, () => null);
    const nodes = await Promise.all(
      Array.from({ length: 8 }, async () => (await generateIdentity()).publicKey),
    );
    const lies = (round: number) =>
      nodes.flatMap((node) =>
        made.map((_, i) => {
          const copy = node.slice();
          copy[1]! ^= i;
          copy[2]! ^= round;
          return {
            node: copy,
            epoch: 7,
            incarnation: 0,
            state: 0 as const,
            urls: ["wss://nowhere.example/"],
          };
        })
      );
    for (let round = 0; round < 8; round++) {
      const claims = lies(round);
      for (let i = 0; i < claims.length; i += 64) session.send(encodeMembers(claims.slice(i, i + 64)));
    }
    await world.pass(1_500);
    assert(status(0).refusals["flood"]! >= 768);
    assert.equal(status(0).members.length, 2, "the other node and the liar");
    assert.deepEqual(status(1).members.map(({ node }) => node), [session.remote]);
    assert.equal(session.state, "closed");
  });
});
