import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, afterEach, describe, it } from "node:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { generateIdentity } from "../../src/identity/identity.ts";
import { type Refuser, REFUSERS } from "../../src/rendezvous/journal.ts";
import type { NodeOptions, RendezvousNode } from "../../src/rendezvous/node.ts";
import { encodeAttemptFrame, encodeLookup, encodeNotice, encodeWatch } from "../../src/wire/frames.ts";
import { encodeAnnounce } from "../../src/wire/topic_frames.ts";
import { Reason, Role } from "../../src/wire/protocol.ts";
import { bytes, meetInMemory, memoryNode, publishOf, stopNodes, type TestPeer, until } from "./peers.ts";

const NOBODY = (await generateIdentity()).publicKey;
const attempt = (peer: TestPeer) => encodeAttemptFrame({ kind: "attempt", request: 1, peer: peer.key });

interface Case {
  options?: Partial<NodeOptions>;
  provoke: (node: RendezvousNode, peer: TestPeer) => unknown;
  /** A line of the metrics that must count it. */
  counted: RegExp;
  /** What the one who was refused something is told; none: it must not learn, or is told by HTTP. */
  told?: string;
}

/** How each refusal comes about. */
const CASES: Record<Refuser, Case> = {
  frame: {
    provoke: (_, peer) => peer.send(NOBODY, bytes("x")),
    counted: /frames_dropped_total\{reason="absent"\} 1\n/,
    told: "notice",
  },
  rate: {
    options: { limits: { framesPerSecond: 1, frameBurst: 256 } },
    provoke: (_, peer) => {
      for (let i = 0; i < 300; i++) peer.send(peer.key, bytes("x"));
    },
    counted: /throttled_total 1\n/,
    told: "rate",
  },
  lookup: {
    options: { limits: { lookupBurst: 1, lookupsPerSecond: 0.001 } },
    provoke: (_, peer) => [1, 2].forEach((request) => peer.session.send(encodeLookup(request, NOBODY))),
    counted: /lookups_total\{reason="rate-limited"\} 1\n/,
    told: "found",
  },
  record: {
    provoke: async (_, peer) => peer.session.send(await publishOf(peer, [NOBODY])),
    counted: /records_refused_total\{reason="does not name this node"\} 1\n/,
  },
  watch: {
    options: { limits: { watches: 1 } },
    provoke: (_, peer) => peer.session.send(encodeWatch([NOBODY, peer.key])),
    counted: /watches_refused_total\{reason="over-quota"\} 1\n/,
    told: "sighting",
  },
  announcement: {
    provoke: (_, peer) => peer.session.send(encodeAnnounce(bytes("nonsense"), true)),
    counted: /announcements_refused_total\{reason="protocol-error"\} 1\n/,
  },
  attempt: {
    provoke: (_, peer) => peer.session.send(attempt(peer)),
    counted: /attempts_denied_total\{reason="forbidden"\} 1\n/,
    told: "denied",
  },
  "attempt-frame": {
    options: { limits: { lookupBurst: 1, lookupsPerSecond: 0.001 } },
    provoke: (_, peer) => [1, 2].forEach(() => peer.session.send(attempt(peer))),
    counted: /attempt_frames_stray_total 1\n/,
  },
  "stray-frame": {
    provoke: (_, peer) => peer.session.send(encodeNotice(Reason.absent, NOBODY)),
    counted: /stray_frames_total 1\n/,
  },
  memory: {
    options: { memory: () => 101, limits: { memory: Infinity } },
    provoke: (node) => node.controls.setLimits({ memory: 100 }),
    counted: /shed_total 1\n/,
    told: "bye",
  },
  request: {
    provoke: (node) => node.app.request(`/v1/connect/${node.id}`),
    counted: /requests_refused_total\{status="426"\} 1\n/,
  },
  mesh: {
    options: {
      mesh: { allow: [(await generateIdentity()).id] },
      connect: () => {
        throw new Error("nobody is dialled here");
      },
    },
    provoke: (node) => meetInMemory(node, { role: Role.node }),
    counted: /mesh_refusals_total\{reason="not-allowed"\} 1\n/,
  },
};

describe("a refusal", () => {
  const records: LogRecord[] = [];
  const lines = () => records.map(({ properties }) => properties).filter(({ event }) => event === "refusal");
  afterEach(stopNodes);
  after(reset);

  for (const refuser of REFUSERS) {
    const { options, provoke, counted, told } = CASES[refuser];
    it(`of a ${refuser} is counted and logged with its reason${told ? ", and told" : ""}`, async () => {
      await configure({
        reset: true,
        sinks: { list: (record: LogRecord) => void records.push(record) },
        loggers: [
          { category: "waymeet", lowestLevel: "debug", sinks: ["list"] },
          { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
        ],
      });
      const node = await memoryNode(options);
      const peer = await meetInMemory(node);
      records.length = 0;
      await provoke(node, peer);
      await until(() => counted.test(node.metricsText()));
      await until(() => lines().some((line) => line["refuser"] === refuser && line["reason"] !== ""));
      if (told === "bye") await until(() => peer.end?.reason === Reason.overCapacity);
      else if (told) await until(() => peer.frames.some(({ kind }) => kind === told));
    });
  }
});

describe("the reasons of the protocol", () => {
  it("are all in use: none stands in the registry that nothing gives", () => {
    const root = new URL("../../src/", import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".ts") && !path.endsWith("wire/protocol.ts")
    );
    const text = files.map((path) => readFileSync(new URL(path, root), "utf8")).join("\n");
    const unused = Object.keys(Reason).filter((name) => !new RegExp(`\\bReason\\.${name}\\b`).test(text));
    assert.deepEqual(unused, []);
  });
});
