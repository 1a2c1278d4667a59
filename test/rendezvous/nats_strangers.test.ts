/** Whoever may publish at NATS is a node of the network, but nothing is believed of it that it cannot show. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { generateIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerId } from "../../src/identity/peer_id.ts";
import type { MeshStatus } from "../../src/rendezvous/mesh_status.ts";
import { NatsSubjects } from "../../src/rendezvous/nats_subjects.ts";
import { dataFrameSize, encodeData } from "../../src/wire/data_frame.ts";
import {
  decodeControl,
  encodeFound,
  encodeLookup,
  encodeMembers,
  encodePresence,
  encodeProbe,
} from "../../src/wire/frames.ts";
import { Reason } from "../../src/wire/protocol.ts";
import { encodeRecordBody, recordSigned } from "../../src/wire/record.ts";
import { joinBytes } from "../../src/wire/join_bytes.ts";
import type { NatsMessage } from "../../src/rendezvous/nats_port.ts";
import { collect, nextLink, VirtualWorld } from "../peer/virtual_world.ts";
import type { VirtualNatsPort } from "./virtual_nats.ts";

const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));

describe("a stranger at NATS", () => {
  let world: VirtualWorld;
  let urls: string[];
  let stranger: Identity;
  let port: VirtualNatsPort;
  let subjects: NatsSubjects;
  beforeEach(async () => {
    world = new VirtualWorld({ fabric: "nats" });
    urls = await world.startMesh(2);
    stranger = await generateIdentity();
    port = world.nats.connect("stranger");
    subjects = new NatsSubjects("default", stranger.id);
  });
  afterEach(() => world.end());

  const status = (i: number): MeshStatus => world.node(urls[i]).meshStatus()!;
  const nodeId = (i: number): PeerId => world.node(urls[i]).id;

  async function say(subject: string, data: Uint8Array, reply?: string): Promise<void> {
    port.publish(subject, data, reply);
    await world.pass(50);
  }

  const claim = (node: Uint8Array) =>
    encodeMembers([{ node, epoch: Math.floor(world.clock.wall()), incarnation: 0, state: 0, urls: [] }]);

  /** A record of a fresh peer at these nodes. */
  async function recordAt(nodes: Uint8Array[], genuine: boolean) {
    const peer = await generateIdentity();
    const issued = Math.floor(world.clock.wall());
    const body = encodeRecordBody({
      ...{ peer: peer.publicKey, instance: random(16), started: issued, linkKey: random(32), nodes },
      ...{ sequence: 1, issued, expires: issued + 100_000, network: "default" },
    });
    return { peer, record: { body, signature: genuine ? await peer.sign(recordSigned(body)) : random(64) } };
  }

  async function tell(nodes: Uint8Array[], genuine: boolean): Promise<PeerId> {
    const { peer, record } = await recordAt(nodes, genuine);
    const entry = { version: 1, peer: peer.publicKey, record };
    const epoch = Math.floor(world.clock.wall());
    await say(
      subjects.all,
      encodePresence({ origin: stranger.publicKey, epoch, from: 0, to: 1, entries: [entry] }),
    );
    await world.pass(150);
    return peer.id;
  }

  it("that speaks for another node is not believed, whatever subject it chooses", async () => {
    const other = (await generateIdentity()).publicKey;
    await say(subjects.all, claim(other));
    assert.equal(status(0).refusals["hearsay"], 1);
    await say(new NatsSubjects("default", nodeId(0)).all, claim(stranger.publicKey));
    assert.equal(status(1).refusals["hearsay"], 2);
    assert.equal(status(0).refusals["own-id"], 1);
    assert.equal(status(0).members.length, 1);
  });

  it("is heard of peers once it said that it lives, and of those alone that signed to be with it", async () => {
    await tell([stranger.publicKey], true);
    assert.equal(status(0).refusals["stranger"], 1);
    assert.equal(status(0).presence.peers, 0);
    await say(subjects.all, claim(stranger.publicKey));
    await tell([(await generateIdentity()).publicKey], true);
    assert.equal(status(0).refusals["wrong-node"], 1);
    assert.equal(status(0).presence.peers, 0);
    const peer = await tell([stranger.publicKey], true);
    assert.equal(status(0).presence.peers, 1);
    assert.equal(world.node(urls[0]).place(peer)?.nodes[0], stranger.id);
  });

  it("that forges records is counted, and after the third not heard any more", async () => {
    await say(subjects.all, claim(stranger.publicKey));
    assert.equal(status(0).members.length, 2);
    for (let i = 0; i < 3; i++) await tell([stranger.publicKey], false);
    assert.equal(status(0).refusals["bad-signature"], 3);
    assert.equal(status(0).presence.peers, 0);
    assert.equal(status(0).members.length, 1);
    await say(subjects.all, claim(stranger.publicKey));
    assert.equal(status(0).refusals["shunned"], 1);
    await world.pass(60_000, 50);
    await say(subjects.all, claim(stranger.publicKey));
    assert.equal(status(0).members.length, 2);
  });

  it("that sends what is no frame has it counted, and nothing else happens", async () => {
    const peer = await world.open({ nodes: [urls[0]!], learn: false });
    const own = new NatsSubjects("default", nodeId(0));
    await say(subjects.all, claim(stranger.publicKey));
    const rubbish = random(40);
    const control = encodeProbe(1, stranger.publicKey);
    const key = stranger.publicKey;
    const mixed = joinBytes([encodeData(key, rubbish), encodeData(random(32), rubbish)]);
    const before = world.node(urls[0]).metrics.framesOut;
    await say(subjects.all, rubbish);
    await say(`${own.prefix}.all.nobody`, control);
    await say(own.prefix + ".find", control, "waymeet.default.inbox.x");
    await say(`${own.prefix}.back.${nodeId(0)}.x.y.z`, rubbish);
    await say(own.back(0, peer.id, stranger.id), rubbish);
    for (
      const data of [rubbish, control, mixed, encodeData(key, rubbish).subarray(0, 50), new Uint8Array(0)]
    ) {
      await say(subjects.to(nodeId(0), peer.id), data);
    }
    assert.equal(status(0).refusals["malformed"]! + status(1).refusals["malformed"]!, 3 + 9);
    assert.equal(world.node(urls[0]).metrics.framesOut, before);
  });

  it("learns why a frame was not delivered, and can have nothing written outside of the network", async () => {
    const answers: NatsMessage[] = [];
    for (const subject of [subjects.own.back, "elsewhere.>"]) {
      port.subscribe(subject, (each) => answers.push(each));
    }
    const absent = await generateIdentity();
    const frame = encodeData(stranger.publicKey, random(10));
    await say(subjects.to(nodeId(0), absent.id), frame, subjects.back(7, stranger.id, absent.id));
    await say(subjects.to(nodeId(0), absent.id), frame, "elsewhere.x");
    await say(`${subjects.prefix}.find`, encodeLookup(0, absent.publicKey), "elsewhere.x");
    assert.deepEqual(answers.map(({ subject }) => subject), [subjects.back(7, stranger.id, absent.id)]);
    const answer = decodeControl(answers[0]!.data);
    assert(answer?.kind === "undelivered");
    assert.deepEqual([answer.reason, answer.destination], [Reason.absent, absent.publicKey]);
    assert.match(world.node(urls[0]).metricsText(), /waymeet_frames_dropped_total\{reason="absent"\} 2\n/);
  });

  it("that answers questions with a record of somebody else, or a forged one, finds nobody", async () => {
    const peer = await world.open({ nodes: [urls[0]!], learn: false });
    const wanted = await recordAt([stranger.publicKey], false);
    const another = await recordAt([stranger.publicKey], true);
    const answers = [wanted.record, another.record].map((record) =>
      encodeFound(0, Reason.none, { ...record, left: 9_000 })
    );
    await world.run(world.node(urls[1]).drain(0)); // nobody else is left to answer
    for (const answer of [...answers, random(30)]) {
      port.subscriptions.splice(0);
      port.subscribe(`${subjects.prefix}.find`, ({ reply }) => port.publish(reply!, answer), "nodes");
      await assert.rejects(world.run(peer.dial(wanted.peer.id)), { code: "absent" });
    }
    const { refusals, fabric } = status(0);
    assert.deepEqual(
      [refusals["bad-signature"], refusals["wrong-peer"], refusals["malformed"]],
      [1, 1, 1],
    );
    assert.deepEqual([fabric!.questions, fabric!.answers], [3, 0]);
  });
});

describe("a server of NATS that takes small messages only", () => {
  it("gets batches in parts, and a frame that is larger comes back with its reason", async () => {
    const world = new VirtualWorld({ fabric: "nats" });
    const urls = await world.startMesh(2);
    world.nats.maxPayload = 20_000;
    const [a, b] = [
      await world.open({ nodes: [urls[0]!], learn: false }),
      await world.open({ nodes: [urls[1]!], learn: false }),
    ];
    await world.pass(100);
    const arriving = nextLink(b);
    const link = await world.run(a.dial(b.id));
    const texts = collect(await world.run(arriving));
    const large = "x".repeat(100_000);
    await world.run(Promise.all(["one", large, "two"].map((text) => link.send(text))), 20_000);
    assert.deepEqual(texts.map(({ length }) => length), [3, 100_000, 3]);
    assert(world.nats.published.every(({ data }) => data.length <= 20_000));
    world.nats.maxPayload = dataFrameSize(100);
    void link.send(large).catch(() => {});
    await world.pass(500);
    assert.match(world.node(urls[0]).metricsText(), /frames_dropped_total\{reason="too-large"\} [1-9]/);
    await world.end();
  });
});
